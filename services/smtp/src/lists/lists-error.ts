import { OperationalError } from '@sealpost/errors'

const MESSAGES = {
  LIST_UNKNOWN: 'There is no such list',
  LIST_NAME_MALFORMED: 'A list is named as in List-Id, such as news.example.org',
  LISTS_TOO_MANY: 'There are too many lists',
  MEMBER_UNKNOWN: 'The address is not on the list',
  MEMBER_CONFIRMED: 'The address has confirmed already',
  MEMBER_LEFT: 'The address has left the list, and is not asked again',
  MEMBERS_TOO_FAST: 'So many addresses cannot be asked now, try again later',
  ADDRESS_MALFORMED: 'This is no mail address',
} as const

export type ListsErrorCode = keyof typeof MESSAGES

/** Why a request about lists was refused. */
export class ListsError extends OperationalError {
  override readonly name = 'ListsError'
  declare readonly code: ListsErrorCode

  constructor(code: ListsErrorCode) {
    super(code, MESSAGES[code])
  }
}

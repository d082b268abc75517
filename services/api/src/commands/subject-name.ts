/** What people call an account or an organisation that a list knows by its id. */
import { Type } from '@sealpost/http'
import type { CommandContext } from './command.ts'

interface Subject {
  readonly kind: 'account' | 'organisation'
  readonly id: string
}

/** For the items of such a list. */
export const subjectName = {
  name: Type.Optional(Type.String({ description: 'Of the organisation, or the address of the account' })),
}

/** Empty where the subject is gone. */
export async function nameSubject(
  { accounts }: Pick<CommandContext, 'accounts'>,
  subject: Subject | undefined,
): Promise<{ name?: string }> {
  if (subject === undefined) return {}
  const { kind, id } = subject
  const name =
    kind === 'organisation'
      ? (await accounts.organisations.find(id))?.name
      : (await accounts.findById(id))?.jid.toString()
  return name === undefined ? {} : { name }
}

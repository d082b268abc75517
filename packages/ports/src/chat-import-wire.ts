/** The port for imported accounts over HTTP: its path, and its answer as it is read on the other side. */
import { count, fields, optional } from './answer.ts'
import type { ImportedChat } from './chat-import.ts'

/** POST of `{ parts }`; answers `{ taken }`, which may be absent. */
export const CHAT_IMPORT_PATH = '/internal/relay/accounts/:account/chat'

/** Throws PORT_FAILED. */
export function readImportedChat(answer: unknown): ImportedChat | undefined {
  return optional(fields(answer)['taken'], (value) => {
    const taken = fields(value)
    return {
      contacts: count(taken['contacts']),
      items: count(taken['items']),
      elements: count(taken['elements']),
      refused: count(taken['refused']),
    }
  })
}

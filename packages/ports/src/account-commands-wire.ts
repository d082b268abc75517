/** The port for commands of users over HTTP: its paths, and its answers as they are read on the other side. */
import {
  COMMAND_FIELD_KINDS,
  type CommandForm,
  type CommandOutcome,
  type KeyedOutcome,
  type OfferedCommand,
} from './account-commands.ts'
import { ANY, count, fields, type Fields, flag, list, oneOf, text, texts } from './answer.ts'

/** Answers are `{ items }`; for a form and an outcome none or one. */
export const ACCOUNT_COMMANDS_PATHS = {
  offered: '/internal/api/commands/offered',
  form: '/internal/api/commands/form',
  run: '/internal/api/commands/run',
  administer: '/internal/api/commands/administer',
} as const

const COMMANDS_MAX = 1_000
const FIELDS_MAX = 100
const OPTIONS_MAX = 1_000

/** Throws PORT_FAILED, as the other readers do. */
export function readOffered(answer: unknown): OfferedCommand[] {
  return list(fields(answer)['items'], COMMANDS_MAX).map(readCommand)
}

export function readForm(answer: unknown): CommandForm | undefined {
  const [item] = list(fields(answer)['items'], 1)
  if (item === undefined) return undefined
  const read = list(item['fields'], FIELDS_MAX).map((field) => ({
    name: text(field['name'], ANY),
    kind: oneOf(field['kind'], COMMAND_FIELD_KINDS),
    required: flag(field['required']),
    label: text(field['label'], ANY),
    options: texts(field['options'], OPTIONS_MAX),
  }))
  return { ...readCommand(item), fields: read }
}

export function readOutcome(answer: unknown): CommandOutcome | undefined {
  const [item] = list(fields(answer)['items'], 1)
  return (
    item && { result: oneOf(item['result'], ['done', 'refused'] as const), text: text(item['text'], ANY) }
  )
}

export function readKeyedOutcome(answer: unknown): KeyedOutcome {
  const read = fields(answer)
  if (oneOf(read['result'], ['done', 'refused'] as const) === 'done')
    return { result: 'done', answer: read['answer'] }
  return { result: 'refused', status: count(read['status']), text: text(read['text'], ANY) }
}

function readCommand(item: Fields): OfferedCommand {
  return { name: text(item['name'], ANY), title: text(item['title'], ANY) }
}

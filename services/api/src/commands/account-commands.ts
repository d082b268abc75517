/** The registry for users of the relay: the commands that an account gives about itself, with the account as who asks. */
import { Readable } from 'node:stream'
import { HttpProblem, violations } from '@sealpost/http'
import type { AccountCommands, CommandForm, CommandOutcome, CommandValues } from '@sealpost/ports'
import type { ApiEvents } from '../events.ts'
import { toHttpProblem } from '../routes/problems.ts'
import type { Actor, Command, CommandContext } from './command.ts'
import { dispatch } from './dispatch.ts'
import { fieldsOf, fill, schemasOf, type Filled } from './fields.ts'

export interface AccountCommandsOptions {
  readonly commands: readonly Command[]
  readonly context: CommandContext
  readonly events: Pick<ApiEvents, 'auditFailed'>
}

/** Only commands that a form can hold: those of `account`, which need neither a file nor a list of things, and answer with no document. */
export function createAccountCommands({
  commands,
  context,
  events,
}: AccountCommandsOptions): AccountCommands {
  const offered = new Map<string, { command: Command; form: CommandForm }>()
  for (const command of commands) {
    const isOffered = command.access === 'account' && command.document !== true
    const fields = isOffered ? fieldsOf(command) : undefined
    if (fields !== undefined)
      offered.set(command.name, { command, form: { name: command.name, title: command.summary, fields } })
  }
  const isActive = async (accountId: string) =>
    (await context.accounts.findById(accountId))?.state === 'active'
  return {
    async offered(accountId) {
      if (!(await isActive(accountId))) return []
      return [...offered.values()].map(({ form: { name, title } }) => ({ name, title }))
    },
    form: async (accountId, name) => ((await isActive(accountId)) ? offered.get(name)?.form : undefined),
    async run(accountId, name, values) {
      const account = await context.accounts.findById(accountId)
      const command = offered.get(name)?.command
      if (account?.state !== 'active' || command === undefined) return undefined
      return await run({
        command,
        context,
        events,
        actor: { kind: 'account', account, proven: false, session: undefined },
        values,
      })
    },
  }
}

interface Run {
  readonly command: Command
  readonly context: CommandContext
  readonly events: Pick<ApiEvents, 'auditFailed'>
  readonly actor: Actor
  readonly values: CommandValues
}

async function run({ command, context, events, actor, values }: Run): Promise<CommandOutcome> {
  const filled = fill(command, values)
  const complaint = complain(command, filled)
  if (complaint !== undefined) return { result: 'refused', text: complaint }
  const request = {
    ...filled,
    actor,
    ...NOT_OVER_HTTP,
    upload: Readable.from([]),
    uploadType: undefined,
    progress: () => undefined,
  }
  try {
    return { result: 'done', text: print(command, await dispatch(command, context, request, events)) }
  } catch (error) {
    const problem = toHttpProblem(error)
    if (problem instanceof HttpProblem && problem.status < 500)
      return { result: 'refused', text: problem.title }
    throw error
  }
}

const NOT_OVER_HTTP = {
  idempotencyKey: undefined,
  reason: undefined,
  signal: new AbortController().signal,
} as const

function complain(command: Command, filled: Filled): string | undefined {
  const found = schemasOf(command).flatMap(([place, schema]) => violations(schema, filled[place]))
  if (found.length === 0) return undefined
  return found.map(({ pointer, detail }) => `${pointer.slice(2) || 'form'}: ${detail}`).join('\n')
}

/** As `ctl` prints it, or else as JSON. */
function print({ lines: [line] = [] }: Command, result: unknown): string {
  return line === undefined ? JSON.stringify(result, undefined, 2) : line.print(result)
}

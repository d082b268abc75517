/** The registry for users of the relay: the commands that an account gives about itself, with the account as who asks, and those of administration, with an API key. */
import type { AccountCommands, CommandForm } from '@sealpost/ports'
import { carryOut, type Registry } from './carry-out.ts'
import type { Command } from './command.ts'
import { fieldsOf, fill } from './fields.ts'
import { byKey } from './keyed-commands.ts'

/** Only commands that a form can hold: those of `account`, which need neither a file nor a list of things, and answer with no document. */
export function createAccountCommands(registry: Registry): AccountCommands {
  const { commands, context } = registry
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
    administer: byKey(registry),
    async offered(accountId) {
      if (!(await isActive(accountId))) return []
      return [...offered.values()].map(({ form: { name, title } }) => ({ name, title }))
    },
    form: async (accountId, name) => ((await isActive(accountId)) ? offered.get(name)?.form : undefined),
    async run(accountId, name, values) {
      const account = await context.accounts.findById(accountId)
      const command = offered.get(name)?.command
      if (account?.state !== 'active' || command === undefined) return undefined
      const actor = { kind: 'account', account, proven: false, session: undefined } as const
      const outcome = await carryOut(registry, command, { actor, ...fill(command, values) })
      if (outcome.result === 'refused') return { result: 'refused', text: outcome.text }
      return { result: 'done', text: print(command, outcome.answer) }
    },
  }
}

/** As `ctl` prints it, or else as JSON. */
function print({ lines: [line] = [] }: Command, result: unknown): string {
  return line === undefined ? JSON.stringify(result, undefined, 2) : line.print(result)
}

/** Commands of administration that the relay brings with an API key (XEP-0133): those that have a place in a chat program, and no others. */
import type { AccountCommands, KeyedOutcome } from '@sealpost/ports'
import { hasScope } from './api-keys.ts'
import { carryOut, type Registry } from './carry-out.ts'
import type { Actor, CommandContext } from './command.ts'

const OFFERED = new Set([
  'account.create',
  'account.terminate',
  'account.suspend',
  'account.restore',
  'account.sign-out',
  'account.show',
  'queue.show',
  'statistics.overview',
])

const refuse = (status: number, text: string): KeyedOutcome => ({ result: 'refused', status, text })

export function byKey(registry: Registry): AccountCommands['administer'] {
  const { commands, context, events } = registry
  const offered = new Map(commands.filter(({ name }) => OFFERED.has(name)).map((each) => [each.name, each]))
  return async ({ key, name, params = {}, body = {} }) => {
    const command = offered.get(name)
    if (command === undefined) return refuse(404, 'There is no such command')
    const actor = await actorOf(context, key)
    if (actor === undefined) {
      events.tokenRefused()
      return refuse(401, 'The API key is unknown, expired or revoked')
    }
    // Where a chat program is cannot be told: several may share an address, or the relay's proxy has it.
    if (actor.networks.length > 0)
      return refuse(403, 'An API key that is bound to networks does not work here')
    if (!hasScope(actor, command.access)) return refuse(403, `The API key lacks the scope ${command.access}`)
    return await carryOut(registry, command, { actor, params, query: {}, body })
  }
}

type KeyActor = Extract<Actor, { readonly kind: 'key' }>

async function actorOf({ accounts }: CommandContext, token: string): Promise<KeyActor | undefined> {
  const key = await accounts.apiKeys.authenticate(token)
  if (key === undefined) return undefined
  const { id, scopes, organisationId, networks, expiresOn, madeBy } = key
  return { kind: 'key', id, scopes, organisationId, networks, expiresOn, madeBy }
}

/** Where the relay of calls is, with credentials that say nothing of who asks. Nothing of who asked is kept. */
import { Type } from '@sealpost/http'
import { asksForCredentials } from '@sealpost/turn'
import { type Command, defineCommand } from './command.ts'

const turnSchema = Type.Object({
  uris: Type.Array(Type.String(), {
    description: 'STUN servers (RFC 7064) and TURN relays (RFC 7065); empty: there are none',
  }),
  username: Type.Optional(Type.String({ description: 'For the relays; absent: none asks for credentials' })),
  password: Type.Optional(Type.String()),
  ttl: Type.Optional(Type.Integer({ description: 'Seconds for which they are good' })),
})

const showTurn = defineCommand({
  name: 'turn.show',
  summary: 'Show where the relay of calls is, with credentials for some hours',
  method: 'GET',
  path: '/v1/turn',
  access: 'account',
  byProgram: true,
  status: 200,
  response: turnSchema,
  async handle({ turn }) {
    const uris = turn.services.map(({ uri }) => uri)
    const credentials = turn.services.some(asksForCredentials) ? turn.credentials() : undefined
    if (credentials === undefined) return { uris }
    const { username, password } = credentials
    return { uris, username, password, ttl: turn.ttlSeconds }
  },
})

export const turnCommands: readonly Command[] = [showTurn]

/** RFC 4954 §4: the dialogue of AUTH on the wire, whatever the mechanism. */
import type { SignedIn } from '@sealpost/accounts'
import { errorCode } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'
import type { SmtpEvents } from '../events.ts'
import { SmtpReply } from '../smtp-reply.ts'
import type { Connection } from './connection.ts'
import type { SignIn } from './sign-in.ts'

/** RFC 4954 §4. */
const LINE_BYTES_MAX = 12_288
const ANSWER_MS_MAX = 60_000
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

const reject = {
  mechanism: () => new SmtpReply(504, '5.5.4', 'Unrecognized authentication type'),
  canceled: () => new SmtpReply(501, '5.7.0', 'Authentication canceled'),
  base64: () => new SmtpReply(501, '5.5.2', 'Not Base64'),
  later: () => new SmtpReply(454, '4.7.0', 'Temporary authentication failure'),
} as const

export interface AuthenticateOptions {
  readonly signIn: SignIn
  readonly clock: Clock
  readonly events: Pick<SmtpEvents, 'signInFailed'>
}

/** `argument`: of AUTH. Throws SmtpReply, ConnectionError. */
export async function authenticate(
  argument: string,
  connection: Connection,
  { signIn, clock, events }: AuthenticateOptions,
): Promise<SignedIn> {
  const [mechanism = '', initial, ...more] = argument.split(' ')
  const exchange = signIn.begin(mechanism.toUpperCase(), connection)
  if (exchange === undefined || more.length > 0) throw reject.mechanism()
  const first = initial === undefined ? undefined : decode(initial === '=' ? '' : initial)
  const ask = async (challenge: Buffer): Promise<Buffer> => {
    connection.write(`334 ${challenge.toString('base64')}\r\n`)
    const line = await connection.readLine(LINE_BYTES_MAX, clock.monotonic() + ANSWER_MS_MAX)
    const text = line.toString('latin1')
    if (text === '*') throw reject.canceled()
    return decode(text)
  }
  const guarded = async (step: Promise<IteratorResult<Buffer, SignedIn>>) => {
    try {
      return await step
    } catch (error) {
      if (error instanceof SmtpReply) throw error
      events.signInFailed(errorCode(error))
      throw reject.later()
    }
  }
  let step = await guarded(exchange.next())
  if (first !== undefined) step = await guarded(exchange.next(first))
  while (step.done !== true) step = await guarded(exchange.next(await ask(step.value)))
  return step.value
}

function decode(text: string): Buffer {
  if (!BASE64.test(text) || text.length % 4 !== 0) throw reject.base64()
  return Buffer.from(text, 'base64')
}

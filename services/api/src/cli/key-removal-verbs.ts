/** `ctl key remove FINGERPRINT`, `ctl key readmit FINGERPRINT`: what the operator of a key directory does about a single certificate. */
import { RefusedError } from './client.ts'
import type { RouteArguments, RouteVerb } from './run-ctl.ts'

export const keyRemoveVerb: RouteVerb = {
  noun: 'key',
  verb: 'remove',
  parameters: ['FINGERPRINT'],
  options: {},
  summary: 'Take a certificate off the key directory; it is not taken again, but for its revocation',
  run: async (given) => {
    const { removed } = (await send(given, 'remove')) as { removed: boolean }
    return { result: { removed }, text: removed ? 'Removed' : 'It is not here, and will not be taken' }
  },
}

export const keyReadmitVerb: RouteVerb = {
  noun: 'key',
  verb: 'readmit',
  parameters: ['FINGERPRINT'],
  options: {},
  summary: 'Let a certificate that was removed be uploaded again',
  run: async (given) => ({ result: await send(given, 'readmit'), text: 'It may come again' }),
}

async function send({ positional, post }: RouteArguments, action: string): Promise<unknown> {
  const [fingerprint = ''] = positional
  const { status, answer } = await post(`/internal/keys/${action}`, Buffer.from(fingerprint))
  if (status === 200) return answer
  const { title } = answer as { title?: unknown }
  throw new RefusedError(typeof title === 'string' ? title : 'The server cannot do that now', answer)
}

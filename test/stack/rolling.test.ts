/** Services are restarted one after the other while everybody goes on, by the same version and by the next: nothing is lost, and nobody who asks is turned away. */
import type { ServiceName } from '@sealpost/dev-env'
import { expect, test } from 'vitest'
import { MailSink } from '../../services/smtp/test/mail-sink.ts'
import { namedInLog } from '../named-in-log.ts'
import { hasPrevious, PREVIOUS, unpackPrevious } from './previous-release.ts'
import { Stack } from './stack.ts'
import { Traffic } from './traffic.ts'

const ORDER: readonly ServiceName[] = ['keys', 'smtp', 'xmpp', 'api']
const TIMEOUT = { timeout: 180_000 }

/** Of a stack whose services are those of `tree` at first, by those of this one. */
async function restartEach(tree?: string): Promise<void> {
  await using sink = await MailSink.open(0, { tls: false })
  const env = {
    SMTP_TRUSTED_NETWORKS: '127.0.0.0/8',
    SMTP_SMARTHOST: `127.0.0.1:${String(sink.smarthost.port)}`,
  }
  await using stack = await Stack.start({ env, ...(tree === undefined ? {} : { tree }) })
  await using traffic = await Traffic.begin(stack, sink)
  await traffic.served()
  for (const service of ORDER) {
    expect(await stack.stop(service), service).toEqual([0])
    await stack.startService(service)
    await traffic.served()
  }
  await traffic.settle()
  expect(namedInLog(stack.output)).toEqual([])
}

test(
  'each service is restarted under load: nothing is lost, nothing is twice, no question is refused',
  TIMEOUT,
  () => restartEach(),
)

test.skipIf(!(await hasPrevious()))(
  `the release before (${PREVIOUS.slice(0, 8)}) works on the schemas of this one, beside services of this one, and gives way to them`,
  TIMEOUT,
  async () => {
    await using previous = await unpackPrevious()
    await restartEach(previous.tree)
  },
)

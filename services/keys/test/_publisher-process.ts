/**
 * A key directory in a process of its own, to be killed: `node _publisher-process.ts DATABASE_URL DATA_DIR`. It publishes, exchanges and withdraws certificates
 * without end, and prints a line after each.
 */
import { createProcessBus } from '@sealpost/bus'
import { createKeysService } from '@sealpost/keys-service'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { MailError } from '@sealpost/ports'
import { createClock, systemRandom } from '@sealpost/runtime'
import { ed25519, sample } from '../../../packages/openpgp/test/maker.ts'

process.stdin.on('end', () => process.exit()).resume() // whoever wanted it is gone
const [databaseUrl = '', dataDir = ''] = process.argv.slice(2)
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
const { directory } = await createKeysService(
  { hkpPort: 0, publicOrigin: () => '', mailUrl: undefined },
  {
    log: createLog({ level: 'error' }),
    clock: createClock({ onError }),
    databaseUrl,
    dataDir,
    metrics: createMetrics(),
    bus: createProcessBus({ onError }),
    random: systemRandom,
    tls: { current: () => ({ cert: '', key: '' }), onChange: () => ({ [Symbol.dispose]: () => undefined }) },
    domains: ['localhost'],
    bind: '127.0.0.1',
  },
  { mail: { send: () => Promise.reject(new MailError('MAIL_NO_WAY_OUT')) } },
)

/** Two certificates that take an address from each other. */
async function exchange(pair: number): Promise<void> {
  const address = `pair${String(pair)}@example.org`
  for (let turn = 0; ; turn += 1) {
    const seed = 1_000 + 2 * pair + (turn % 2)
    await directory.submit(sample(seed, { addresses: [address] }).bytes)
    await directory.publish(ed25519(seed).key.fingerprint.toString('hex').toUpperCase(), address)
    if (turn % 3 === 2) await directory.unpublish(address)
    process.stdout.write('changed\n')
  }
}

await Promise.all(Array.from({ length: 4 }, (_, pair) => exchange(pair)))

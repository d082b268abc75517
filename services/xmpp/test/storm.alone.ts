/**
 * Everybody comes back at once after a restart: each gets in, memory stays bounded, and who is inside does not notice. STORM=5000 for the full
 * number. In a file of its own, so that memory is measured from a fresh start.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { parseJid } from '@sealpost/jid'
import { deriveVerifiers } from '@sealpost/accounts'
import { systemRandom } from '@sealpost/runtime'
import { describe, expect, test } from 'vitest'
import { longTest } from '../../../test/long-test.ts'
import type { RelayLimits } from '../src/relay.ts'
import type { StormReport } from './_storm.ts'
import type { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const COUNT = Number(process.env['STORM'] ?? 200)
/** The limits of an address are made for thousands; they shrink with the number of clients. */
const scaled =
  COUNT >= 5_000 ? {} : { clientMax: COUNT / 5, clientRate: { burst: COUNT / 25, perSecond: 100 } }
const MiB = 1024 * 1024
const PASSWORD = 'storm'

/** Accounts that share a password, and its verifiers, as deriving them is not what is tested. */
async function makeAccounts(relay: RelayFixture): Promise<void> {
  const verifiers = await deriveVerifiers(PASSWORD, systemRandom)
  const making = Array.from({ length: COUNT }, (_, index) => index).values()
  const make = async () => {
    for (const index of making) {
      const { id } = await relay.accounts.create(parseJid(`storm${index}@localhost`), undefined)
      await relay.accounts.setVerifiers(id, verifiers)
    }
  }
  await Promise.all(Array.from({ length: 8 }, make))
}

/** The longest that a client inside has waited for an answer, and the most memory, until `done`. */
async function watch(client: TestClient, done: Promise<unknown>): Promise<{ pingMs: number; rss: number }> {
  let over = false
  const isOver = () => over
  const ended = done.finally(() => {
    over = true
  })
  let [pingMs, rss] = [0, 0]
  while (!isOver()) {
    const asked = performance.now()
    await client.ping()
    pingMs = Math.max(pingMs, performance.now() - asked)
    rss = Math.max(rss, process.memoryUsage.rss())
  }
  await ended
  return { pingMs, rss }
}

async function storm(what: string, shared: boolean, limits: Partial<RelayLimits>): Promise<void> {
  await using relay = await startRelay({ unlimitedNetworks: { include: () => shared } }, limits)
  await makeAccounts(relay)
  const program = `${import.meta.dirname}/_storm.ts`
  const child = spawn(process.execPath, [program, String(relay.tlsPort), String(COUNT), PASSWORD], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  expect(await once(lines, 'line')).toEqual(['in'])
  await relay.restart()
  const inside = await relay.client('inside', { localAddress: '127.9.9.9' })
  const before = process.memoryUsage.rss()
  const reported = once(lines, 'line')
  child.stdin.write('go\n')
  const { pingMs, rss } = await watch(inside, reported)
  const report = JSON.parse(String(await reported)) as StormReport
  process.stdout.write(
    `${COUNT} clients at once, ${what}: all in after ${(report.lastMs / 1000).toFixed(1)} s (half after ` +
      `${(report.medianMs / 1000).toFixed(1)} s), ${report.resumed} resumed, ${report.failed} tries in vain, ` +
      `nobody inside waited longer than ${pingMs.toFixed(0)} ms, ${((rss - before) / MiB).toFixed(0)} MiB more\n`,
  )
  expect(report.inside).toBe(COUNT)
  expect(pingMs).toBeLessThan(15_000 + COUNT) // accepting alone takes thousands a while
  expect(rss - before).toBeLessThan(96 * MiB + COUNT * 160 * 1024)
  child.kill()
}

describe(`a reconnect storm of ${COUNT}`, () => {
  const timeout = 60_000 + COUNT * 60
  longTest('from everywhere', { timeout }, () => storm('from everywhere', true, {}))
  test('from behind one address', { timeout }, () => storm('from one address', false, { reception: scaled }))
})

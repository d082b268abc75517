/** Issue 2, bad input: thousands of connections that say nothing. In a file of its own, so that memory is measured from a fresh start. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createSkippableClock } from './_skippable-clock.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

async function streams(relay: RelayFixture): Promise<number> {
  return Number(/^xmpp_streams (\d+)$/m.exec(await relay.platform.metrics.render())?.[1])
}

/** A TLS handshake costs a millisecond on either side: HALF_OPEN=5000 for the full number. */
const COUNT = { tcp: 5_000, tls: Number(process.env['HALF_OPEN'] ?? 1_500) }
/** As by default. */
const NEGOTIATION_MS = 60_000

describe('thousands of half-open connections', () => {
  /** The other process, and what it says. */
  function hold(
    port: number,
    mode: 'tcp' | 'tls',
  ): { child: ChildProcess; says: (line: RegExp) => Promise<string> } {
    const child = spawn(
      process.execPath,
      [`${import.meta.dirname}/_half-open.ts`, String(port), String(COUNT[mode]), mode],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const lines = createInterface({ input: child.stdout })
    return {
      child,
      says: async (wanted) => {
        for (;;) {
          const [line] = (await once(lines, 'line')) as [string]
          if (wanted.test(line)) return line
        }
      },
    }
  }

  test.each([
    ['tcp', 40_000],
    ['tls', 200_000],
  ] as const)(
    '%s: bounded memory, a client signs in meanwhile, all are timed out',
    { timeout: 150_000 },
    async (mode, bytesMax) => {
      const clock = createSkippableClock()
      const relay = await startRelay({}, {}, { ownClock: clock })
      try {
        await relay.client('before')
        const before = process.memoryUsage.rss()
        const { child, says } = hold(mode === 'tls' ? relay.tlsPort : relay.port, mode)
        const closed = says(/^closed$/)
        expect(await says(/^open/)).toBe(`open ${COUNT[mode]}`)
        while ((await streams(relay)) < COUNT[mode]) await after(50) // the kernel accepts faster than we do
        const each = (process.memoryUsage.rss() - before) / COUNT[mode]
        process.stdout.write(
          `${COUNT[mode]} silent connections (${mode}): ${(each / 1024).toFixed(1)} KiB each\n`,
        )
        expect(each).toBeLessThan(bytesMax)
        const client = await relay.client('meanwhile')
        await client.ping()
        clock.skip(NEGOTIATION_MS) // instead of waiting
        await closed
        child.kill()
        await client.ping()
        expect(await streams(relay)).toBe(2)
      } finally {
        await relay[Symbol.asyncDispose]()
      }
    },
  )
})

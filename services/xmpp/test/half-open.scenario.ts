/** Issue 2, bad input: thousands of connections that say nothing. In a file of its own, so that memory is measured from a fresh start. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as after } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

async function streams(relay: RelayFixture): Promise<number> {
  return Number(/^xmpp_streams (\d+)$/m.exec(await relay.platform.metrics.render())?.[1])
}

describe('5,000 half-open connections', () => {
  const COUNT = 5_000

  /** The other process, and what it says. */
  function hold(
    port: number,
    mode: 'tcp' | 'tls',
  ): { child: ChildProcess; says: (line: RegExp) => Promise<string> } {
    const child = spawn(
      process.execPath,
      [`${import.meta.dirname}/_half-open.ts`, String(port), String(COUNT), mode],
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
    ['tcp', 8_000, 40_000],
    ['tls', 30_000, 200_000],
  ] as const)(
    '%s: bounded memory, a client signs in meanwhile, all are timed out',
    { timeout: 150_000 },
    async (mode, negotiationMs, bytesMax) => {
      const relay = await startRelay({}, { stream: { negotiationMs } })
      try {
        await relay.client('before')
        const before = process.memoryUsage.rss()
        const { child, says } = hold(mode === 'tls' ? relay.tlsPort : relay.port, mode)
        const closed = says(/^closed$/)
        expect(await says(/^open/)).toBe(`open ${COUNT}`)
        while ((await streams(relay)) < COUNT) await after(50) // the kernel accepts faster than we do
        const each = (process.memoryUsage.rss() - before) / COUNT
        process.stdout.write(`${COUNT} silent connections (${mode}): ${(each / 1024).toFixed(1)} KiB each\n`)
        expect(each).toBeLessThan(bytesMax)
        const client = await relay.client('meanwhile')
        await client.ping()
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

/** Killed at each step of the way of a message (docs/sealed-queue.md). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isWhole } from '../../../../../test/long-test.ts'
import { QUEUES, STEPS } from './_crash-child.ts'
import type { CrashStep } from './_crash-child.ts'
import { createFixture, texts } from './_fixture.ts'
import type { Fixture } from './_fixture.ts'

const OCCURRENCES = isWhole ? [1, 2, 5] : [2]

interface Ledger {
  /** Queue and text by id, in the order of sending. */
  readonly sent: Map<string, { queue: number; text: string }>
  readonly stored: Set<string>
  readonly shredding: Set<string>
  readonly shredded: Set<string>
}

async function runChild(
  fixture: Fixture,
  step: CrashStep,
  occurrence: number,
  ledger: Ledger,
): Promise<void> {
  const args = [fixture.url, fixture.directory, step, String(occurrence), `${step} ${String(occurrence)}`]
  const child = spawn(process.execPath, [join(import.meta.dirname, '_crash-child.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => void (output += chunk.toString()))
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
  for (const line of output.split('\n').slice(0, -1)) {
    const [what = '', id = '', queue = '', ...text] = line.split(' ')
    if (what === 'sent') ledger.sent.set(id, { queue: Number(queue), text: text.join(' ') })
    else if (what === 'stored' || what === 'shredding' || what === 'shredded') ledger[what].add(id)
  }
}

test.each(STEPS)(
  'killed %s: what was stored is read once and in order, what was shredded never',
  async (step) => {
    await using fixture = await createFixture()
    for (const occurrence of OCCURRENCES) {
      const ledger: Ledger = { sent: new Map(), stored: new Set(), shredding: new Set(), shredded: new Set() }
      await runChild(fixture, step, occurrence, ledger)
      await using store = await fixture.open({ leaseWaitMs: 20_000 })
      for (const [index, queue] of QUEUES.entries()) {
        const sent = [...ledger.sent].filter(([, message]) => message.queue === index)
        const read = await texts(store, queue)
        const maybe = sent.filter(([id]) => !ledger.shredded.has(id)).map(([, { text }]) => text)
        const must = sent
          .filter(([id]) => ledger.stored.has(id) && !ledger.shredding.has(id))
          .map(([, { text }]) => text)
        expect(
          maybe.filter((text) => read.includes(text)),
          'once, in order, nothing else',
        ).toEqual(read)
        expect(
          must.filter((text) => !read.includes(text)),
          'nothing that was stored is missing',
        ).toEqual([])
        store.shredQueue(queue)
      }
      await store.shredded()
      await store.garbage()
      expect(await fixture.rowCount()).toBe(0)
      const file = await readFile(join(fixture.directory, 'keyring.slots'))
      expect(file.subarray(4096).every((byte) => byte === 0)).toBe(true)
    }
  },
)

/** A real process, a real file, a real SIGKILL. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { isWhole } from '../../../test/long-test.ts'
import { openKeyring } from '../src/index.ts'
import type { QueueHandle } from '../src/index.ts'

const KILLS = isWhole ? 20 : 4

interface Told {
  readonly handle: string
  readonly text: string
  readonly blob: Buffer
}

/** Runs the child until it is killed at a random moment after its first reports; returns its complete lines. */
async function runAndKill(directory: string): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '_crash-child.ts'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  let timer: NodeJS.Timeout | undefined
  const killAt = 20 + systemRandom.bytes(1).readUInt8()
  const hasTold = (line: RegExp, count: number) => (output.match(line) ?? []).length >= count
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    if (timer || !hasTold(/^sealed /gm, 30) || !hasTold(/^shredded /gm, 15)) return
    timer = setTimeout(() => child.kill('SIGKILL'), killAt)
  })
  await once(child, 'close')
  return output.split('\n').slice(0, -1)
}

test('killed at any moment: every synced seal opens and every synced shred is gone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'keyring-crash-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const sealed = new Map<string, Told>()
  const shredding = new Set<string>()
  const shredded = new Set<string>()
  for (let kill = 0; kill < KILLS; kill++) {
    for (const line of await runAndKill(directory)) {
      const [what, id = '', handle = '', round = '', blob = ''] = line.split(' ')
      if (what === 'sealed')
        sealed.set(id, { handle, text: `text of ${round}`, blob: Buffer.from(blob, 'base64') })
      else (what === 'shredded' ? shredded : shredding).add(id)
    }
    await using keyring = await openKeyring({
      mode: 'file',
      directory,
      instanceId: '11111111-1111-4111-8111-111111111111',
      lastSeen: undefined,
      rowsExist: false,
      random: systemRandom,
      clock: systemClock,
    })
    const queues = new Map<string, QueueHandle>([...keyring.queues()].map((queue) => [queue.handle, queue]))
    const file = (await readFile(join(directory, 'keyring.slots'))).toString('hex')
    const onDisk = new Set(
      Array.from({ length: file.length / 128 }, (_, slot) => file.slice(slot * 128, slot * 128 + 32)),
    )
    for (const [id, { handle, text, blob }] of sealed) {
      if (shredding.has(id)) continue
      const queue = queues.get(handle)
      expect(queue && keyring.open(id, queue, 1, blob)?.toString()).toBe(text)
    }
    for (const id of shredded) {
      expect(keyring.has(id)).toBe(false)
      expect(onDisk.has(id.replaceAll('-', ''))).toBe(false)
    }
  }
  expect(sealed.size).toBeGreaterThan(100)
  expect(shredded.size).toBeGreaterThan(50)
}, 120_000)

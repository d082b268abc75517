/** A minute of `npm run fuzz`: what is tried in `npm test` for moments is tried here for longer, with other seeds. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const RUN = join(import.meta.dirname, '../fuzz/run.ts')

test('no property fails', { timeout: 300_000 }, async () => {
  const child = spawn(process.execPath, [RUN, '--seconds', '60'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const output of [child.stdout, child.stderr])
    output.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  expect(code, said).toBe(0)
})

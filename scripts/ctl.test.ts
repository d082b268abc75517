import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'

test('a reader that has seen enough is no error', async () => {
  const child = spawn(process.execPath, [new URL('ctl.ts', import.meta.url).pathname, '--help'])
  child.stdout.destroy()
  let problems = ''
  child.stderr.on('data', (chunk: Buffer) => (problems += chunk.toString()))
  expect(await once(child, 'close')).toEqual([0, null])
  expect(problems).toBe('')
})

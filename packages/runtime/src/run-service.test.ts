import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'

interface Run {
  readonly child: ChildProcess
  readonly output: { out: string; err: string }
  readonly exit: Promise<number | null>
}

function start(...args: string[]): Run {
  const child = spawn(process.execPath, [new URL('../test/_service.ts', import.meta.url).pathname, ...args])
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()))
  return { child, output, exit: once(child, 'close').then(([code]) => code as number | null) }
}

async function said(run: Run, text: string): Promise<void> {
  while (!run.output.out.includes(text)) await once(run.child.stdout as NodeJS.ReadableStream, 'data')
}

test.concurrent('a signal disposes the service and ends with 0, even if it comes twice at once', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const run = start('')
    await said(run, 'started')
    run.child.kill(signal)
    run.child.kill(signal)
    expect(await run.exit).toBe(0)
    expect(run.output).toEqual({ out: 'started\ndisposed\n', err: '' })
  }
})

test.concurrent('a second signal, later, ends a stuck stop with 1', async () => {
  const run = start('stuck')
  await said(run, 'started')
  run.child.kill('SIGTERM')
  await said(run, 'disposed')
  const again = setInterval(() => run.child.kill('SIGTERM'), 200)
  expect(await run.exit).toBe(1)
  clearInterval(again)
})

test.concurrent('a stop of more than 10 s ends with 1', async () => {
  const run = start('stuck')
  await said(run, 'started')
  const from = performance.now()
  run.child.kill('SIGTERM')
  expect(await run.exit).toBe(1)
  expect(performance.now() - from).toBeGreaterThan(9_500)
  expect(run.output.err).toContain('stop_took_too_long')
})

test.concurrent('--check-config starts nothing', async () => {
  const good = start('', '--check-config')
  expect(await good.exit).toBe(0)
  expect(good.output.out).toBe('The configuration is valid\n')
  const bad = start('bad-config', '--check-config')
  expect(await bad.exit).toBe(2)
  expect(bad.output.err).toBe('Configuration: A must be set\nConfiguration: B must be a whole number\n')
})

test.concurrent('a failed start says why in our own words and ends with 1', async () => {
  const ours = start('fails')
  expect(await ours.exit).toBe(1)
  expect(ours.output.err).toBe('Cannot start: Another process holds the directory (DIRECTORY_HELD)\n')
  const system = start('busy-port')
  expect(await system.exit).toBe(1)
  expect(system.output.err).toBe('Cannot start: EADDRINUSE at listen, port 5222\n')
})

test.concurrent('a crash is one line without the message, and the service is disposed', async () => {
  for (const [mode, code] of [
    ['crashes', 'TypeError'],
    ['rejects', 'Error'],
  ] as const) {
    const run = start(mode)
    expect(await run.exit).toBe(1)
    expect(run.output.out).toBe('started\ndisposed\n')
    const line = JSON.parse(run.output.err) as { event: string; code: string; frames: string[] }
    expect(line).toMatchObject({ event: 'crashed', code })
    expect(line.frames[0]).toMatch(/runtime\/test\/_service\.ts:\d+:\d+$/)
    expect(run.output.err).not.toContain('canary')
  }
})

test.concurrent('a failing disposal ends with 1', async () => {
  const run = start('stop-fails')
  await said(run, 'started')
  run.child.kill('SIGTERM')
  expect(await run.exit).toBe(1)
  expect(run.output.err).toContain('stop_failed')
  expect(run.output.err).not.toContain('canary')
})

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isWhole } from '../../../../test/long-test.ts'
import { describeProcess, isRunning } from './process-identity.ts'

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-lock-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const SCRIPT = `
  import { takeDirectory } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))}
  process.stdin.once('data', async () => {
    try {
      await takeDirectory(process.argv[1])
      console.log('taken')
    } catch (error) {
      console.log(error.code + ' ' + error.message)
      process.exit(1)
    }
  })
  console.log('waiting')`

const ROUNDS = isWhole ? 10 : 3

interface Taker {
  readonly child: ChildProcess
  /** Lets it go; resolves with what it says. */
  take(): Promise<string>
  kill(): Promise<void>
}

async function startTaker(directory: string): Promise<Taker> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  onTestFinished(kill)
  return {
    child,
    kill,
    async take() {
      const answer = once(child.stdout, 'data')
      child.stdin.write('go\n')
      const [line] = (await answer) as [Buffer]
      return line.toString().trim()
    },
  }
}

test('of ten racing starts exactly one wins, on a new directory and after a killed holder, again and again', async () => {
  const directory = await makeDirectory()
  for (let round = 0; round < ROUNDS; round++) {
    const takers = await Promise.all(Array.from({ length: 10 }, () => startTaker(directory)))
    const answers = await Promise.all(takers.map((taker) => taker.take()))
    expect(answers.filter((answer) => answer === 'taken')).toHaveLength(1)
    const winner = takers[answers.indexOf('taken')]
    const others = answers.filter((answer) => answer !== 'taken')
    for (const answer of others) expect(answer).toContain(`process id ${String(winner?.child.pid)}`)
    await Promise.all(takers.map((taker) => taker.kill()))
    expect((await readdir(directory)).filter((name) => name.startsWith('sealpost.pid.'))).toHaveLength(1)
  }
}, 120_000)

test('a lock of a process whose number went to another is stale', async () => {
  const directory = await makeDirectory()
  const [pid, , boot] = (await describeProcess(process.pid)).split(' ')
  await writeFile(join(directory, 'sealpost.pid.4'), `${String(pid)} 1 ${String(boot)}\n`)
  const taker = await startTaker(directory)
  expect(await taker.take()).toBe('taken')
})

test.each(['', 'nonsense', '0 1 x', '-1 1 x', '999999999 1 x'])(
  'no process runs that is named %o',
  async (text) => {
    expect(await isRunning(text)).toBe(false)
  },
)

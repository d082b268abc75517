/** Runs a program of the Postgres installation to its end. */
import { spawn } from 'node:child_process'
import { OperationalError } from '@sealpost/errors'
import type { PostgresUser } from './binaries.ts'
import { inheritedEnvironment } from './config.ts'

/** What is kept of a program's output, to be shown if it fails. */
const OUTPUT_CHARS_MAX = 4_000

/** The environment of Postgres: untranslated messages, no local time. */
export const POSTGRES_ENV = { ...inheritedEnvironment(), LC_ALL: 'C', TZ: 'UTC' }

/** Throws `POSTGRES_SETUP` with the end of the program's output if it does not exit with 0. `input` goes to its stdin. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { user: PostgresUser | undefined; cwd: string; input?: string },
): Promise<void> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: POSTGRES_ENV,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code === 0) return
  throw new OperationalError('POSTGRES_SETUP', `${program} failed:\n${output.trim()}`)
}

/** What the benchmarks need of a server, and what its adapters share: a directory, a certificate, a free port, a process on a core. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)

export interface Account {
  readonly username: string
  readonly password: string
}

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  readonly pem: string
}

export interface ServerOptions {
  /** A directory of its own, made already, removed by the caller. */
  readonly directory: string
  readonly domain: string
  readonly certificate: Certificate
  readonly accounts: readonly Account[]
  /** The core the server is pinned to, with everything it starts. */
  readonly core: number
}

export interface RunningServer extends AsyncDisposable {
  readonly name: string
  /** Direct TLS for clients (XEP-0368). */
  readonly port: number
  /** Process ids whose trees are the server. */
  roots(): number[]
  /** What it tells Prometheus; undefined: the benchmark knows no way to ask. */
  readonly metrics?: () => Promise<string>
}

export type StartServer = (options: ServerOptions) => Promise<RunningServer>

/** A self-signed P-256 certificate for `domain`, made by openssl. */
export async function makeCertificate(directory: string, domain: string): Promise<Certificate> {
  await mkdir(directory, { recursive: true })
  const certFile = join(directory, 'cert.pem')
  const keyFile = join(directory, 'key.pem')
  const name = ['-subj', `/CN=${domain}`, '-addext', `subjectAltName=DNS:${domain}`, '-days', '2']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  await exec('openssl', ['req', '-x509', ...key, '-out', certFile, ...name])
  await exec('chmod', ['a+r', keyFile]) // the peers run as users of their own; the directory is ours and short-lived
  return { certFile, keyFile, pem: await readFile(certFile, 'utf8') }
}

/** Resolves when something accepts connections on `port`; throws when the process ends or 30 s pass before that. */
export async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the server ended with ${child.exitCode ?? child.signalCode}`)
    const socket = connect(port, '127.0.0.1')
    const reached = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (reached) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`nothing listens on port ${port}`)
}

/** What to put before a command so that it, and what it starts, stays on one core. The command replaces it and keeps its process id. */
export function pinned(core: number): [string, ...string[]] {
  return ['taskset', '-c', String(core)]
}

/** Starts a server in the foreground on one core; its output goes to ours only when something fails. */
export function spawnPinned(
  core: number,
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const [taskset, ...others] = pinned(core)
  const child = spawn(taskset, [...others, command, ...args], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let tail = ''
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString()).slice(-4_000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  child.on('exit', (code, signal) => {
    if (code !== 0 && signal === null) console.error(`${command} ended with ${code}:\n${tail}`)
  })
  return child
}

/** Ends a process we started: SIGTERM, after ten seconds SIGKILL. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(timer)
}

/** User and group of a Debian service account when we are root, else nothing: the process then runs as ourselves. */
export async function identityOf(user: string): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await exec('id', [flag, user])).stdout)),
  )
  return uid === undefined || gid === undefined ? {} : { uid, gid }
}

/** rspamd, clamd and opendkim as Debian has them, each with a configuration of its own in a directory of its own. Without a network. */
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { once } from 'node:events'
import { vi } from 'vitest'
import { freePort } from './free-port.ts'

export interface Daemon extends AsyncDisposable {
  readonly port: number
}

/** What our signature database of one line finds. */
export const MALWARE = 'SEALPOST-TEST-MALWARE-c4n4ry'

async function directoryFor(name: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `${name}-`))
  await chmod(directory, 0o755)
  return directory
}

/** Runs until disposed; ready when `isReady` resolves. */
async function run(
  directory: string,
  [command, ...args]: readonly [string, ...string[]],
  port: number,
  isReady: () => Promise<boolean>,
): Promise<Daemon> {
  let said = ''
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ready = async (): Promise<void> => {
    if (!(await isReady())) throw new Error(`${command} is not ready: ${said}`)
  }
  await vi.waitFor(ready, { timeout: 30_000, interval: 100 })
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit')
      child.kill()
      await gone
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export async function startRspamd(): Promise<Daemon> {
  const [directory, port] = [await directoryFor('rspamd'), await freePort()]
  // With the whole list of top-level domains it compiles for half a minute.
  await writeFile(join(directory, 'tld'), 'com\nexample\n')
  await writeFile(
    join(directory, 'rspamd.conf'),
    `options {
      filters = ""; url_tld = "${directory}/tld"; tempdir = "${directory}"; control_socket = "${directory}/control mode=0600";
      dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }
    }
    logging { type = "console"; level = "warning"; }
    worker "normal" { bind_socket = "127.0.0.1:${String(port)}"; count = 1; }
    metric "default" { actions { reject = 15; add_header = 6; greylist = 4; } }\n`,
  )
  const command = ['rspamd', '--insecure', '-f', '-c', join(directory, 'rspamd.conf')] as const
  return run(directory, command, port, () =>
    fetch(`http://127.0.0.1:${String(port)}/checkv2`, {
      method: 'POST',
      body: 'From: a@b.example\r\n\r\nx',
    }).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
}

export async function startClamd(): Promise<Daemon> {
  const [directory, port] = [await directoryFor('clamd'), await freePort()]
  await mkdir(join(directory, 'db'))
  await writeFile(
    join(directory, 'db', 'own.ndb'),
    `Sealpost.Test:0:*:${Buffer.from(MALWARE).toString('hex')}\n`,
  )
  await writeFile(
    join(directory, 'clamd.conf'),
    `DatabaseDirectory ${directory}/db\nTCPSocket ${String(port)}\nTCPAddr 127.0.0.1\nForeground yes\nStreamMaxLength 1M\n`,
  )
  const listens = (): Promise<boolean> =>
    promisify(execFile)('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${String(port)}`]).then(
      () => true,
      () => false,
    )
  return run(directory, ['clamd', '-c', join(directory, 'clamd.conf')], port, listens)
}

/** What opendkim says of a mail, with these records in its DNS. */
export async function verifyWithOpendkim(
  mail: Buffer,
  records: ReadonlyMap<string, string>,
): Promise<string> {
  const directory = await directoryFor('opendkim')
  try {
    const lines = [...records].map(([name, record]) => `${name} ${record}`)
    await writeFile(join(directory, 'dns'), `${lines.join('\n')}\n`)
    await writeFile(join(directory, 'mail'), mail.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
    await writeFile(join(directory, 'conf'), `Mode v\nTestDNSData file:${directory}/dns\n`)
    const { stdout, stderr } = await promisify(execFile)('opendkim', [
      '-x',
      join(directory, 'conf'),
      '-vvv',
      '-t',
      join(directory, 'mail'),
    ])
    return stdout + stderr
  } finally {
    await rm(directory, { recursive: true })
  }
}

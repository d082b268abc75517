/** What `npm start` promises the operator (CONTRACT, Commands). */
import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chown, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Deployment, ensureCertificate, locate } from '@sealpost/dev-env'
import type { DeploymentOptions } from '@sealpost/dev-env'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { compiledEnvironment } from '../compile-cache.ts'
import { createTestDatabase } from '../database.ts'
import { isWhole, longTest } from '../long-test.ts'
import { namedInLog } from '../named-in-log.ts'

const ROOT = join(import.meta.dirname, '../..')

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-start-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

async function start(dataDir: string, options: Partial<DeploymentOptions> = {}): Promise<Deployment> {
  const deployment = await Deployment.start({ shape: 'all-in-one', dataDir, ...options })
  onTestFinished(async () => {
    await deployment.stop()
    expect(namedInLog(deployment.output)).toEqual([])
  })
  return deployment
}

interface Run {
  readonly code: number | null
  readonly output: string
  readonly child: ReturnType<typeof spawn>
}

/** Runs a script until it ends, or until it says `until`. */
async function run(
  args: readonly string[],
  options: { env?: Record<string, string>; uid?: number; until?: RegExp } = {},
): Promise<Run> {
  const { env = {}, uid, until = /(?!)/ } = options
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'] ?? '',
      ...compiledEnvironment(),
      ...env,
    },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const ended = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
    expect(namedInLog(output)).toEqual([])
  })
  let output = ''
  const said = Promise.withResolvers<void>()
  const keep = (chunk: Buffer): void => {
    output += chunk.toString()
    if (until.test(output)) said.resolve()
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  await Promise.race([ended, said.promise])
  return { code: child.exitCode, output, child }
}

const FREE_PORTS = Object.fromEntries(
  ['XMPP', 'XMPP_TLS', 'HTTP', 'HTTPS', 'HKP', 'SMTP', 'SUBMISSION', 'SUBMISSIONS'].map((name) => [
    `${name}_PORT`,
    '0',
  ]),
)

test('the first start prints the addresses and an invite; the second prints no invite', async () => {
  // how soon: project scale of the interop tests
  const dataDir = await makeDirectory()
  const deployment = await start(dataDir)
  const { xmpp, xmpps, https, hkp, smtp, submission, submissions, http } = deployment.ports
  for (const port of [xmpp, xmpps, https, hkp, smtp, submission, submissions, http.api])
    expect(deployment.output).toContain(`:${String(port)}`)
  const invite = new RegExp(`https://localhost:${String(https)}/admin/invite/\\S{20,}`)
  expect(deployment.output).toMatch(invite)
  const first = deployment.output.length
  await deployment.stop()
  await deployment.start()
  expect(deployment.output.slice(first)).toContain('Sealpost is ready')
  expect(deployment.output.slice(first)).not.toMatch(invite)
})

describe('while one runs', () => {
  let dataDir = ''
  let deployment: Deployment
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'sealpost-start-'))
    deployment = await Deployment.start({ shape: 'all-in-one', dataDir })
  })
  afterAll(async () => {
    await deployment.stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  test('a second start on the same data directory says who holds it and exits with 1', async () => {
    const second = await run(['scripts/start.ts'], { env: { ...FREE_PORTS, SEALPOST_DATA_DIR: dataDir } })
    expect(second.code).toBe(1)
    expect(second.output).toContain(`process id ${String(deployment.pids['all'])}`)
    expect((await fetch(deployment.url('api', '/readyz'))).status).toBe(200)
  })

  longTest('a port that is taken is named, and nothing is left running', async () => {
    const env = { ...FREE_PORTS, SEALPOST_DATA_DIR: await makeDirectory() }
    const taken = String(deployment.ports.hkp)
    const second = await run(['scripts/start.ts'], { env: { ...env, HKP_PORT: taken } })
    expect([second.code, second.output]).toEqual([
      1,
      expect.stringContaining(
        `Port ${taken} is taken by another program: stop that one, or choose another HKP_PORT`,
      ),
    ])
    const third = await run(['scripts/start.ts'], { env, until: /Sealpost is ready/ })
    expect(third.output).toContain('Sealpost is ready')
  })

  test('kill -9 of Postgres: it comes back and the service is ready again, without a restart of ours', async () => {
    const pid = Number((await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0])
    process.kill(pid, 'SIGKILL')
    const ready = async (): Promise<void> => {
      expect(
        Number((await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]),
      ).not.toBe(pid)
      expect((await fetch(deployment.url('api', '/readyz'))).status).toBe(200)
    }
    await vi.waitFor(ready, { timeout: 30_000, interval: 100 })
    // What /readyz has found holds for a second: it may be from before the kill.
    let tries = 0
    const create = () => deployment.ctl(['account', 'create', `after${String(tries++)}@localhost`])
    await expect.poll(create).toMatchObject({ code: 0 })
  })
})

longTest('with DATABASE_URL there is no embedded Postgres', async () => {
  const dataDir = await makeDirectory()
  const database = await createTestDatabase()
  onTestFinished(() => database[Symbol.asyncDispose]())
  const deployment = await start(dataDir, { databaseUrl: database.url })
  expect((await deployment.ctl(['account', 'create', 'someone@localhost'])).code).toBe(0)
  expect(await readdir(dataDir)).not.toContain('postgres')
  await deployment.stop()
})

async function servedCertificate(port: number): Promise<X509Certificate> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerX509Certificate()
  socket.destroy()
  if (certificate === undefined) throw new Error('no certificate')
  return certificate
}

longTest("the operator's certificate is served, and no local CA is made", async () => {
  const [dataDir, elsewhere] = [await makeDirectory(), await makeDirectory()]
  const domains = ['chat.example']
  await ensureCertificate({ directory: elsewhere, domains, clock: systemClock, random: systemRandom })
  const [cert, key] = [join(elsewhere, 'cert.pem'), join(elsewhere, 'key.pem')]
  const deployment = await start(dataDir, { domains, env: { TLS_CERT: cert, TLS_KEY: key } })
  expect(await readdir(dataDir)).not.toContain('tls')
  const served = await servedCertificate(deployment.ports.https)
  expect(served.fingerprint256).toBe(new X509Certificate(await readFile(cert)).fingerprint256)
})

longTest('a renewed certificate is taken up by every TLS port without a restart', async () => {
  const dataDir = await makeDirectory()
  const deployment = await start(dataDir)
  const directory = locate(dataDir).tls
  await rm(join(directory, 'cert.pem'))
  await ensureCertificate({ directory, domains: ['localhost'], clock: systemClock, random: systemRandom })
  const renewed = new X509Certificate(await readFile(join(directory, 'cert.pem'))).fingerprint256
  const { https, xmpps, submissions } = deployment.ports
  for (const port of [https, xmpps, submissions])
    await vi.waitFor(async () => expect((await servedCertificate(port)).fingerprint256).toBe(renewed), {
      timeout: 10_000,
      interval: 100,
    })
})

test.runIf(isWhole && process.getuid?.() === 0)('an ordinary user can start it', async () => {
  const dataDir = await makeDirectory()
  const uid = 65_534
  await chown(dataDir, uid, uid)
  const env = { ...FREE_PORTS, SEALPOST_DATA_DIR: dataDir, HOME: dataDir }
  const started = await run(['scripts/start.ts'], { env, uid, until: /Sealpost is ready/ })
  expect(started.output).toContain('Sealpost is ready')
  expect((await stat(join(dataDir, 'postgres'))).uid).toBe(uid)
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
  started.child.kill('SIGINT')
  expect(await once(started.child, 'exit')).toEqual([0, null])
  for (const path of [join(dataDir, 'postgres'), dataDir]) {
    await chown(path, 0, 0)
    const refused = await run(['scripts/start.ts'], { env, uid })
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining(`${path} `)])
    expect(refused.output).toContain('belongs to another user')
  }
})

longTest('--dev prints a password for alice, bob and carla, who can sign in', async () => {
  const env = { ...FREE_PORTS, SEALPOST_DATA_DIR: await makeDirectory() }
  const started = await run(['scripts/start.ts', '--dev'], { env, until: /Sealpost is ready/ })
  const passwords = [...started.output.matchAll(/^Account (\S+) password (\S+)$/gm)]
  expect(passwords.map(([, jid]) => jid)).toEqual(['alice@localhost', 'bob@localhost', 'carla@localhost'])
  const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(started.output)?.[0] ?? ''
  for (const [, jid = '', password = ''] of passwords) {
    const authorization = `Basic ${Buffer.from(`${jid}:${password}`).toString('base64')}`
    expect((await fetch(`${origin}/v1/me`, { headers: { authorization } })).status).toBe(200)
  }
})

const MAINS = ['api', 'xmpp', 'keys', 'smtp'].map((service) => `services/${service}/src/main.ts`)

test.each(['scripts/start.ts', ...MAINS])(
  '%s --check-config says yes, or names every problem and exits with 2',
  async (script) => {
    const env = { DATABASE_URL: 'postgres://localhost/none', EVENT_BUS: 'postgres' }
    expect((await run([script, '--check-config'], { env })).code).toBe(0)
    const bad = await run([script, '--check-config'], {
      env: { ...env, LOG_LEVEL: 'loud', HTTP_PORT: 'high' },
    })
    expect(bad.code).toBe(2)
    for (const name of ['LOG_LEVEL', 'HTTP_PORT']) expect(bad.output).toContain(name)
    expect(bad.output).not.toMatch(/loud|high/)
  },
)

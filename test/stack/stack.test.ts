/** What the stack has that its services alone have not: the edge, logins, users, certificates that change, mailboxes and calls. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, readFile } from 'node:fs/promises'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { Stack } from './stack.ts'

let stack: Stack
beforeAll(async () => (stack = await Stack.start()))
afterAll(() => stack[Symbol.asyncDispose]())

async function open(port: number, servername = 'localhost'): Promise<TLSSocket> {
  const ca = await readFile(stack.caFile)
  const socket = connect({ port, host: '127.0.0.1', servername, ca })
  await once(socket, 'secureConnect')
  return socket
}

async function shown(port: number, servername?: string): Promise<string> {
  const socket = await open(port, servername)
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

const fingerprintOf = async (name: string): Promise<string> =>
  new X509Certificate(await readFile(stack.certificateFile(name))).fingerprint256

test('the first start prints the link of the first administrator, at the edge, and what DNS needs is told', async () => {
  expect(stack.output).toMatch(
    new RegExp(`First administrator: https://localhost:${String(stack.ports.https)}/admin/invite/\\S{20,}`),
  )
  const { output } = await stack.ctl(['domain', 'doctor', 'localhost'])
  for (const record of [
    'MX',
    '_xmpp-client._tcp.localhost',
    'v=spf1 mx -all',
    '_dmarc.localhost',
    '_domainkey',
  ])
    expect(output).toContain(record)
})

test('the edge sends each path to its service, and shows nothing of the inside', async () => {
  const get = async (path: string): Promise<[number, string]> => {
    const answer = await fetch(`https://localhost:${String(stack.ports.https)}${path}`)
    return [answer.status, await answer.text()]
  }
  for (const path of ['/metrics', '/internal/relay/accounts']) expect((await get(path))[0]).toBe(404)
  expect(await get('/.well-known/host-meta')).toEqual([200, expect.stringContaining('wss://localhost')])
  expect((await get('/v1/mail'))[0]).toBe(401)
  expect((await get('/v1/me/keys'))[0]).toBe(401)
  expect((await get('/keys'))[0]).toBe(200)
  expect((await get('/admin'))[0]).toBeLessThan(400)
  expect((await get('/v1/openapi.json'))[0]).toBe(200)
})

test('every service has its own certificate of the edge', async () => {
  const own = await fingerprintOf('localhost')
  for (const port of [stack.ports.https, stack.ports.xmpps, stack.ports.submissions, stack.other.imaps])
    expect(await shown(port)).toBe(own)
  expect(await shown(stack.other.turns, 'turn.localhost')).toBe(await fingerprintOf('turn.localhost'))
})

test('our services are no root, have no capability, and gain none', async () => {
  for (const pid of Object.values(stack.pids)) {
    const status = await readFile(`/proc/${String(pid)}/status`, 'utf8')
    expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m)
    for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
      expect(status).toMatch(new RegExp(`^${set}:\\t0+$`, 'm'))
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).not.toMatch(/[0-9a-f]{32}/)
    expect(await readFile(`/proc/${String(pid)}/environ`, 'utf8')).not.toMatch(/[0-9a-f]{64}/)
  }
})

test('a service cannot take on the role of another', async () => {
  const url = (await stack.secret('keys', 'database-url')).trim()
  await expect(openDb({ url, role: 'sealpost_xmpp' })).rejects.toThrow()
  await using db = await openDb({ url, role: 'sealpost_keys' })
  expect(db).toBeDefined()
})

test('whoever has an account signs in to the mailbox, by its password', async () => {
  await stack.ctl(['account', 'create', 'alice@localhost', '--password-stdin'], 'secret\n')
  const signIn = async (password: string): Promise<string> => {
    const socket = await open(stack.other.imaps)
    let said = ''
    socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
    socket.write(`a LOGIN alice@localhost ${password}\r\n`)
    await expect.poll(() => said, { timeout: 10_000 }).toMatch(/^a (OK|NO)/m)
    socket.destroy()
    return /^a (OK|NO)/m.exec(said)?.[1] ?? ''
  }
  expect(await signIn('secret')).toBe('OK')
  expect(await signIn('wrong')).toBe('NO')
})

test('a certificate that changes is taken up, and no stream is dropped', async () => {
  await using alice = await TestClient.signIn({
    port: stack.ports.xmpp,
    username: 'alice',
    password: 'secret',
  })
  const [from, to] = [stack.certificateFile('xmpp.localhost'), stack.certificateFile('localhost')]
  const key = (file: string): string => file.replace(/crt$/, 'key')
  await copyFile(key(from), key(to))
  await copyFile(from, to)
  const now = async (): Promise<string> => {
    const socket = connect({ port: stack.ports.xmpps, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  await expect.poll(now, { timeout: 10_000 }).toBe(await fingerprintOf('xmpp.localhost'))
  const pong = await alice.request('get', `<ping xmlns='urn:xmpp:ping'/>`, 'localhost')
  expect(pong.attrs['type']).toBe('result')
})

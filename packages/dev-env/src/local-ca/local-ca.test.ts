import { X509Certificate, createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock, systemRandom, VirtualClock } from '@sealpost/runtime'
import { ensureCertificate, keepCertificate, namesFor } from './local-ca.ts'

const DAY_MS = 24 * 60 * 60 * 1000

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-ca-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

async function read(directory: string): Promise<{ ca: X509Certificate; cert: X509Certificate }> {
  const [ca, cert] = await Promise.all(['ca.pem', 'cert.pem'].map((name) => readFile(join(directory, name))))
  return { ca: new X509Certificate(ca ?? ''), cert: new X509Certificate(cert ?? '') }
}

test('a TLS client that trusts ca.pem accepts the certificate under each of its names, and only those', async () => {
  const directory = await makeDirectory()
  const domains = ['example.org', 'bücher.example']
  await ensureCertificate({ directory, domains, clock: systemClock, random: systemRandom })
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(directory, name))),
  )
  const server = createServer({ cert, key }, (socket) => socket.end()).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const reaches = async (servername: string): Promise<unknown> => {
    const socket = connect({ port, host: '127.0.0.1', servername, ca: ca?.toString() ?? '' })
    const outcome = await Promise.race([once(socket, 'secureConnect'), once(socket, 'error')]).catch(
      (error: unknown) => [error],
    )
    socket.destroy()
    return (outcome[0] as NodeJS.ErrnoException | undefined)?.code
  }
  for (const name of [
    'example.org',
    'xmpp.example.org',
    'mail.example.org',
    'xn--bcher-kva.example',
    'localhost',
  ])
    expect(await reaches(name)).toBeUndefined()
  expect(await reaches('other.example')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
})

test('the profile: P-256, 10 years and 90 days, a CA that signs leaves only, closed keys', async () => {
  const directory = await makeDirectory()
  const clock = new VirtualClock(Date.UTC(2045, 0, 1))
  expect(await ensureCertificate({ directory, domains: ['example.org'], clock, random: systemRandom })).toBe(
    true,
  )
  const { ca, cert } = await read(directory)
  expect(cert.verify(ca.publicKey) && ca.verify(ca.publicKey) && cert.checkIssued(ca)).toBe(true)
  expect([ca.ca, cert.ca]).toEqual([true, false])
  expect(cert.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(cert.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' })
  expect(cert.validToDate.getTime() - clock.now()).toBe(90 * DAY_MS)
  expect(ca.validToDate.getUTCFullYear()).toBe(2055) // GeneralizedTime
  expect(cert.subjectAltName).toBe(
    'DNS:example.org, DNS:xmpp.example.org, DNS:mail.example.org, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  )
  for (const name of ['ca.key', 'key.pem'])
    expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600)
})

test('the certificate is renewed 30 days before its end, by the clock; the CA stays', async () => {
  const directory = await makeDirectory()
  const clock = new VirtualClock()
  const options = { directory, domains: ['example.org'], clock, random: systemRandom }
  await ensureCertificate(options)
  const first = await read(directory)
  let issued = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const keeping = keepCertificate(options, () => {
    issued += 1
    resolve()
  })
  onTestFinished(() => keeping[Symbol.dispose]())
  await clock.advance(60 * DAY_MS - 2 * 60 * 60 * 1000)
  expect(await ensureCertificate(options)).toBe(false)
  expect(issued).toBe(0)
  await clock.advance(3 * 60 * 60 * 1000)
  await promise
  const second = await read(directory)
  expect(second.cert.serialNumber).not.toBe(first.cert.serialNumber)
  expect(second.cert.checkPrivateKey(createPrivateKey(await readFile(join(directory, 'key.pem'))))).toBe(true)
  expect(second.ca.serialNumber).toBe(first.ca.serialNumber)
})

test('what is missing, damaged, mismatched or for other domains is made anew', async () => {
  const directory = await makeDirectory()
  const options = { directory, domains: ['example.org'], clock: systemClock, random: systemRandom }
  await ensureCertificate(options)
  const otherKey = await readFile(join(directory, 'ca.key'))
  const damages: (() => Promise<unknown>)[] = [
    () => rm(join(directory, 'cert.pem')),
    () => writeFile(join(directory, 'cert.pem'), 'half a certif'),
    () => writeFile(join(directory, 'key.pem'), otherKey),
    () => rm(join(directory, 'ca.key')),
  ]
  for (const damage of damages) {
    await damage()
    expect(await ensureCertificate(options)).toBe(true)
    expect(await ensureCertificate(options)).toBe(false)
  }
  expect(await ensureCertificate({ ...options, domains: ['example.org', 'example.net'] })).toBe(true)
})

test.each([
  [['localhost'], ['localhost', '127.0.0.1', '::1']],
  [
    ['192.0.2.7', '2001:db8::1'],
    ['192.0.2.7', '2001:db8::1', 'localhost', '127.0.0.1', '::1'],
  ],
])('the names for %j', (domains, names) => {
  expect(namesFor(domains)).toEqual(names)
})

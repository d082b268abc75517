import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dkimVerify } from 'mailauth'
import { expect, onTestFinished, test } from 'vitest'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { createResolver } from '../src/dns/dns-resolver.ts'
import { DkimKeys } from '../src/signing/dkim-keys.ts'
import { createDkimSigner } from '../src/signing/dkim-signer.ts'
import { mailauthResolver } from '../src/stages/authentication/mailauth-resolver.ts'
import { contentOf } from './content.ts'
import { testDns } from './test-dns.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const MAIL = [
  'Received: from nowhere',
  'From: Ann  <ann@ours.example>',
  'To: bob@elsewhere.example,',
  '\tcarla@elsewhere.example',
  'Subject:   a \t subject   ',
  'Message-ID: <1@ours.example>',
  'X-Unsigned: yes',
  '',
  'Hello  there \t\r\nü\r\n\r\n\r\n',
].join('\r\n')

async function signing() {
  const dataDir = await mkdtemp(join(tmpdir(), 'sealpost-dkim-'))
  const dns = await testDns({}, { ttlSeconds: 0 })
  const clock = new VirtualClock()
  const resolver = createResolver({ servers: [dns.server], clock, random: systemRandom })
  const options = { dataDir, domains: ['ours.example'], resolver, clock, random: systemRandom }
  const keys = new DkimKeys(options)
  onTestFinished(async () => {
    keys[Symbol.dispose]()
    await dns[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true })
  })
  const publish = async (): Promise<void> => {
    for (const { name, record } of await keys.list('ours.example')) dns.set({ [`${name} TXT`]: [record] })
    await clock.advance(61_000) // What is not there is remembered for a minute.
  }
  const verify = async (mail: string | Buffer): Promise<string[]> => {
    const { results } = await dkimVerify(Buffer.from(mail), {
      resolver: mailauthResolver(resolver),
      strict: true,
    })
    return results.map(({ status, algo }) => `${algo ?? ''} ${status.result}`).toSorted()
  }
  return { dataDir, dns, clock, keys, publish, verify, options, signer: createDkimSigner({ keys, clock }) }
}

test('both signatures of a mail hold before another implementation, and break with every change', async () => {
  const { publish, signer, verify } = await signing()
  await publish()
  const signed =
    (await signer.sign('ours.example', contentOf(MAIL, 7))).toString('latin1') +
    Buffer.from(MAIL).toString('latin1')
  const bytes = Buffer.from(signed, 'latin1')
  const whole = ['ed25519-sha256 pass', 'rsa-sha256 pass']
  expect(signed.split('\r\n').every((line) => line.length <= 78)).toBe(true)
  expect(await verify(bytes)).toEqual(whole)
  const change = (from: string, to: string): Promise<string[]> =>
    verify(Buffer.from(signed.replace(from, to), 'latin1'))
  const broken = ['ed25519-sha256 fail', 'rsa-sha256 fail']
  expect(await change('X-Unsigned: yes', 'X-Unsigned: no')).toEqual(whole)
  expect(await change('Hello  there', 'Hello there')).toEqual(whole)
  expect(await change('a \t subject', 'another subject')).toEqual(broken)
  expect(await change('Hello', 'Hallo')).toEqual(broken)
  for (const field of [
    'From: eve@evil.example',
    'Subject: new',
    'Cc: eve@evil.example',
    'Content-Type: text/html',
  ])
    expect(await change('From: Ann', `${field}\r\nFrom: Ann`), field).toEqual(broken)
})

test('a domain that is not ours has no keys: nothing is signed, nothing is made', async () => {
  const { signer, keys, dataDir } = await signing()
  expect(await signer.sign('elsewhere.example', contentOf(MAIL))).toHaveLength(0)
  await expect(keys.list('../ours.example')).rejects.toMatchObject({ code: 'DOMAIN_UNKNOWN' })
  expect(await readdir(dataDir)).toEqual([])
})

test('keys are kept in a file for their owner alone, and the same after a restart', async () => {
  const { keys, dataDir, options } = await signing()
  const first = await keys.list('ours.example')
  expect(first.map(({ algorithm, state }) => `${algorithm} ${state}`)).toEqual([
    'rsa active',
    'ed25519 active',
  ])
  const file = join(dataDir, 'dkim', 'ours.example.json')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(JSON.stringify(first)).not.toContain('PRIVATE')
  using again = new DkimKeys(options)
  expect(await again.list('ours.example')).toEqual(first)
})

test('rotation: the next keys sign once DNS has both; the old private keys are destroyed, their records told for 14 days more', async () => {
  const { keys, dns, clock, publish, signer, verify, dataDir } = await signing()
  const old = await keys.list('ours.example')
  const rotated = await keys.rotate('ours.example')
  expect(await keys.rotate('ours.example')).toEqual(rotated)
  const states = async (): Promise<string[]> =>
    (await keys.list('ours.example')).map(({ state, published }) => `${state} ${published}`)
  expect(await states()).toEqual(['active no', 'active no', 'next no', 'next no'])
  const [, , nextRsa, nextEd25519] = rotated
  expect(new Set(rotated.map(({ selector }) => selector)).size).toBe(4)
  dns.set({
    [`${nextRsa?.name ?? ''} TXT`]: [nextRsa?.record ?? ''],
    [`${nextEd25519?.name ?? ''} TXT`]: ['v=DKIM1; p=other'],
  })
  await clock.advance(61_000)
  await keys.advance('ours.example')
  expect(await states()).toEqual(['active no', 'active no', 'next yes', 'next other'])
  await publish()
  await keys.advance('ours.example')
  expect(await states()).toEqual(['retired yes', 'retired yes', 'active yes', 'active yes'])
  const signed = (await signer.sign('ours.example', contentOf(MAIL))).toString() + MAIL
  expect(signed).toContain(`s=${nextRsa?.selector ?? '?'};`)
  expect(signed).not.toContain(`s=${old[0]?.selector ?? '?'};`)
  expect(await verify(signed)).toEqual(['ed25519-sha256 pass', 'rsa-sha256 pass'])
  const file = await readFile(join(dataDir, 'dkim', 'ours.example.json'), 'utf8')
  expect(file.match(/BEGIN PRIVATE KEY/g)).toHaveLength(2)
  await clock.advance(15 * DAY_MS)
  await keys.advance('ours.example')
  expect(await states()).toEqual(['active yes', 'active yes'])
})

test('a file that cannot be read is no reason to make new keys', async () => {
  const { keys, dataDir, signer } = await signing()
  await keys.list('ours.example')
  const file = join(dataDir, 'dkim', 'ours.example.json')
  await writeFile(file, '{"keys": [')
  await expect(signer.sign('ours.example', contentOf(MAIL))).rejects.toMatchObject({
    code: 'DKIM_KEYS_UNREADABLE',
  })
  expect(await readFile(file, 'utf8')).toBe('{"keys": [')
})

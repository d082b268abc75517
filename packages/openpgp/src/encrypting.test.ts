import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decrypt, generateKey, readMessage, type PrivateKey } from 'openpgp'
import { expect, it, onTestFinished } from 'vitest'
import { makeSessionKey } from './encrypt.ts'
import { ArmoredMessageReader, encryptArmored, encryptedBytes } from './index.ts'
import type { SessionKey } from './index.ts'

const NOW = Date.now()
const ADDRESS = 'bob@localhost'
const userIDs = [{ name: 'Bob', email: ADDRESS }]

async function* inPieces(plain: Buffer, size: number): AsyncIterable<Buffer> {
  for (let at = 0; at < plain.length; at += size) yield await Promise.resolve(plain.subarray(at, at + size))
}

async function armoredOf(session: SessionKey, plain: Buffer, salt = randomBytes(32)): Promise<string> {
  const options = { session, salt, plainBytes: plain.length }
  const pieces: Buffer[] = []
  for await (const piece of encryptArmored(options, inPieces(plain, 10_007))) pieces.push(piece)
  const armored = Buffer.concat(pieces)
  expect(armored.length).toBe(encryptedBytes(options))
  const reader = new ArmoredMessageReader()
  reader.write(armored)
  expect(reader.end()).toEqual({ encrypted: true, armorHeaders: [] })
  return armored.toString()
}

async function sessionFor(privateKey: PrivateKey, address = ADDRESS): Promise<SessionKey> {
  const session = await makeSessionKey(privateKey.toPublic().write(), address, NOW)
  if (session === undefined) throw new Error('no session key')
  return session
}

const date = new Date(NOW - 60_000)
const options = { userIDs, date, format: 'object' } as const

it.each([
  ['version 4', { ...options, type: 'ecc', curve: 'curve25519Legacy' }, undefined],
  ['version 4 with AEAD', { ...options, type: 'curve25519', config: { aeadProtect: true } }, 'gcm'],
  ['version 6', { ...options, type: 'curve25519', config: { v6Keys: true, aeadProtect: true } }, 'gcm'],
] as const)('openpgp.js decrypts with a key of %s what was encrypted in pieces', async (_, made, aead) => {
  const { privateKey } = await generateKey(made)
  const session = await sessionFor(privateKey)
  expect(session.aead).toBe(aead)
  for (const bytes of [0, 1, 47, 65_524, 65_536, 200_001]) {
    const plain = randomBytes(bytes)
    const message = await readMessage({ armoredMessage: await armoredOf(session, plain) })
    const decrypted: { data: unknown } = await decrypt({
      message,
      decryptionKeys: privateKey,
      format: 'binary',
    })
    expect(Buffer.from(decrypted.data as Uint8Array).equals(plain)).toBe(true)
  }
})

it('openpgp.js decrypts OCB', async () => {
  const { privateKey } = await generateKey({ ...options, type: 'curve25519', config: { aeadProtect: true } })
  const key = Buffer.alloc(16, 7)
  const session: SessionKey = {
    cipher: 'aes128',
    aead: 'ocb',
    key,
    packets: new Uint8Array(),
    fingerprint: '',
  }
  const plain = randomBytes(130_000)
  const pieces: Buffer[] = []
  const salt = randomBytes(32)
  for await (const piece of encryptArmored({ session, salt, plainBytes: plain.length }, inPieces(plain, 999)))
    pieces.push(piece)
  const message = await readMessage({ armoredMessage: Buffer.concat(pieces).toString() })
  const sessionKeys = { data: key, algorithm: 'aes128', aeadAlgorithm: 'ocb' } as const
  const decrypted: { data: unknown } = await decrypt({ message, sessionKeys, format: 'binary' })
  expect(Buffer.from(decrypted.data as Uint8Array).equals(plain)).toBe(true)
  expect(privateKey.isPrivate()).toBe(true)
})

it('gpg decrypts what was encrypted in pieces', async () => {
  const home = mkdtempSync(join(tmpdir(), 'sealpost-gpg-'))
  onTestFinished(() => {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
    rmSync(home, { recursive: true, force: true })
  })
  const gpg = (args: readonly string[], input = ''): Buffer =>
    execFileSync('gpg', ['--batch', '--homedir', home, ...args], { input, stdio: ['pipe', 'pipe', 'ignore'] })
  gpg(['--passphrase', '', '--quick-generate-key', `Bob <${ADDRESS}>`, 'future-default', 'default', '1d'])
  const session = await makeSessionKey(gpg(['--export']), ADDRESS, Date.now() + 1000)
  if (session === undefined) throw new Error('no session key')
  const plain = randomBytes(300_000)
  const armored = await armoredOf(session, plain)
  expect(gpg(['--decrypt'], armored).equals(plain)).toBe(true)
})

it('the same material makes the same message', async () => {
  const { privateKey } = await generateKey({ ...options, type: 'curve25519' })
  const session = await sessionFor(privateKey)
  const [plain, salt] = [randomBytes(1000), randomBytes(32)]
  expect(await armoredOf(session, plain, salt)).toBe(await armoredOf(session, plain, salt))
})

it('there is no session key for another address, an expired certificate, one that cannot encrypt, or no certificate', async () => {
  const { privateKey } = await generateKey({ ...options, type: 'curve25519', keyExpirationTime: 3600 })
  const certificate = privateKey.toPublic().write()
  expect(await makeSessionKey(certificate, ADDRESS.toUpperCase(), NOW)).toMatchObject({
    fingerprint: privateKey.getFingerprint().toUpperCase(),
  })
  expect(await makeSessionKey(certificate, 'carol@localhost', NOW)).toBeUndefined()
  expect(await makeSessionKey(certificate, ADDRESS, NOW + 3_600_000)).toBeUndefined()
  const { privateKey: signer } = await generateKey({
    ...options,
    type: 'curve25519',
    subkeys: [{ sign: true }],
  })
  expect(await makeSessionKey(signer.toPublic().write(), ADDRESS, NOW)).toBeUndefined()
  expect(await makeSessionKey(Buffer.from('hello'), ADDRESS, NOW)).toBeUndefined()
})

it('a plaintext of another length than was said is an error', async () => {
  const { privateKey } = await generateKey({ ...options, type: 'curve25519' })
  const session = await sessionFor(privateKey)
  const consume = async (plainBytes: number): Promise<number> => {
    let bytes = 0
    const made = encryptArmored(
      { session, salt: randomBytes(32), plainBytes },
      inPieces(randomBytes(100), 10),
    )
    for await (const piece of made) bytes += piece.length
    return bytes
  }
  await expect(consume(99)).rejects.toThrow(RangeError)
  await expect(consume(101)).rejects.toThrow(RangeError)
})

import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { decryptAge, encryptAge } from './age.ts'
import { makeIdentity, readIdentity, readRecipient } from './keys.ts'

async function* pieces(bytes: Buffer, size = 50_000): AsyncIterable<Buffer> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

async function all(source: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(source))
}

const [one, two, other] = [makeIdentity(), makeIdentity(), makeIdentity()]
const recipients = [one, two].map(({ recipient }) => readRecipient(recipient))
const CHUNK = 65_536

test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 1_000_000])(
  '%i bytes are opened by each recipient and by nobody else',
  async (length) => {
    const plain = randomBytes(length)
    const encrypted = await all(encryptAge(pieces(plain), recipients))
    for (const { identity } of [one, two])
      expect((await all(decryptAge(pieces(encrypted, 7_777), readIdentity(identity)))).equals(plain)).toBe(
        true,
      )
    const refused = all(decryptAge(pieces(encrypted), readIdentity(other.identity)))
    await expect(refused).rejects.toMatchObject({ code: 'BACKUP_NOT_FOR_US' })
  },
)

test('what was cut short at any place, or changed, is refused', async () => {
  const encrypted = await all(encryptAge(pieces(randomBytes(2 * CHUNK)), recipients))
  const identity = readIdentity(one.identity)
  for (const length of [0, 10, 100, 400, 600, CHUNK, encrypted.length - CHUNK - 16, encrypted.length - 1])
    await expect(all(decryptAge(pieces(encrypted.subarray(0, length)), identity))).rejects.toMatchObject({
      name: 'BackupError',
    })
  const places = [0, 30, 250, 450, 500, CHUNK, encrypted.length - 1]
  for (const place of places) {
    const changed = Buffer.from(encrypted)
    changed.writeUInt8((changed[place] ?? 0) ^ 1, place)
    await expect(all(decryptAge(pieces(changed), identity))).rejects.toMatchObject({ name: 'BackupError' })
  }
  const longer = Buffer.concat([encrypted, Buffer.from('x')])
  await expect(all(decryptAge(pieces(longer), identity))).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
})

test.each(['', 'age1', one.identity, `${one.recipient.slice(0, -1)}!`, one.recipient.replace(/.$/, 'b')])(
  '%o is no recipient',
  (text) => {
    expect(() => readRecipient(text)).toThrow('age1…')
  },
)

test('the upper case of a recipient is one, a mixture is not; a published pair is read', () => {
  const known = 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj'
  expect(() => readRecipient(known)).not.toThrow()
  expect(() => readRecipient(one.recipient.toUpperCase())).not.toThrow()
  expect(() => readRecipient(one.recipient.replace('age1', 'Age1'))).toThrow('age1…')
})

const hasAge = spawnSync('age', ['--version']).status === 0

test.runIf(hasAge)('the program age opens what we write, and we what it writes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-age-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const [file, key] = [join(directory, 'file.age'), join(directory, 'key.txt')]
  const plain = randomBytes(200_000)
  await writeFile(key, `# a comment\n${two.identity}\n`)
  await writeFile(file, await all(encryptAge(pieces(plain), recipients)))
  expect(execFileSync('age', ['-d', '-i', key, file]).equals(plain)).toBe(true)
  const theirs = execFileSync('age', ['-r', one.recipient, '-r', two.recipient], { input: plain })
  expect((await all(decryptAge(pieces(theirs), readIdentity(one.identity)))).equals(plain)).toBe(true)
})

import * as fc from 'fast-check'
import { makeOwnKey, readOwnKey } from '@sealpost/openpgp/own-key'
import { encryptTo } from '@sealpost/openpgp/encrypt'
import { beforeAll, describe, expect, test } from 'vitest'
import { readMail, type MailContent } from './read-mail.ts'

let secret: Uint8Array
let certificate: Uint8Array
beforeAll(async () => {
  secret = await makeOwnKey('key-submission@example.org', Date.now() - 60_000)
  certificate = (await readOwnKey(secret))?.certificate ?? secret
})

const lines = (...all: readonly string[]): string => all.join('\r\n')
const read = (text: string): Promise<MailContent> => readMail(Buffer.from(text), secret)
const textOf = ({ part }: MailContent): string | undefined =>
  part && `${part.kind} ${Buffer.from(part.content).toString()}`

const multipart = (type: string, ...parts: readonly string[]): string =>
  lines(
    `Content-Type: multipart/${type}; boundary=B`,
    '',
    ...parts.map((part) => `--B\r\n${part}`),
    '--B--',
    '',
  )
const sealed = async (entity: string): Promise<string> => {
  const armored = (await encryptTo(certificate, Buffer.from(entity), Date.now())) ?? ''
  const data = lines('Content-Type: application/octet-stream', '', armored)
  return multipart('encrypted', lines('Content-Type: application/pgp-encrypted', '', 'Version: 1'), data)
}

describe('From', () => {
  test.each([
    ['From: Alice <alice@example.org>', 'alice@example.org'],
    ['From: "b@example.org" (c@example.org) <Alice@Example.ORG>', 'Alice@example.org'],
    ['From: alice@example.org, bob@example.org', undefined],
    ['From: alice@example.org\r\nFrom: alice@example.org', undefined],
    ['From: nobody', undefined],
    ['Sender: alice@example.org', undefined],
  ])('%j', async (field, expected) => {
    const { from } = await read(`${field}\r\n\r\n`)
    expect(from && `${from.local}@${from.domain}`).toBe(expected)
  })

  test('RFC 3834 §5: programs say that they are', async () => {
    expect((await read('Auto-Submitted: no\r\n\r\n')).automatic).toBe(false)
    expect((await read('Auto-Submitted: auto-generated\r\n\r\n')).automatic).toBe(true)
  })
})

describe('parts', () => {
  test('the key of a mail, as it stands or decoded', async () => {
    expect(textOf(await read(lines('Content-Type: application/pgp-keys', '', 'KEY')))).toBe('key KEY')
    const base64 = Buffer.from('KEY').toString('base64')
    const part = lines('Content-Type: application/pgp-keys', 'Content-Transfer-Encoding: base64', '', base64)
    expect(textOf(await read(multipart('mixed', 'Content-Type: text/plain\r\n\r\nhello', part)))).toBe(
      'key KEY',
    )
  })

  test('inside of an encrypted message, with lines that end in LF, signed or not', async () => {
    const key = 'Content-Type: application/pgp-keys\n\nKEY\n'
    expect(await read(await sealed(key))).toMatchObject({ encrypted: true, part: { kind: 'key' } })
    const signed = multipart('signed', key, 'Content-Type: application/pgp-signature\r\n\r\nX').replaceAll(
      '\r\n',
      '\n',
    )
    expect(textOf(await read(await sealed(signed)))).toBe('key KEY\r\n')
    const document = 'Content-Type: application/vnd.gnupg.wks\n\ntype: x\n'
    expect(textOf(await read(await sealed(document)))).toBe('document type: x\r\n')
  })

  test.each([
    ['a mail without', 'Content-Type: text/plain\r\n\r\nKEY'],
    [
      'a key in another mail',
      'Content-Type: message/rfc822\r\n\r\nContent-Type: application/pgp-keys\r\n\r\nKEY',
    ],
    [
      'an encoding that nobody knows',
      'Content-Type: application/pgp-keys\r\nContent-Transfer-Encoding: x-own\r\n\r\nKEY',
    ],
    [
      'bytes beside an encrypted message',
      multipart('mixed', 'Content-Type: application/octet-stream\r\n\r\nKEY'),
    ],
  ])('%s: nothing', async (_what, text) => {
    expect((await read(text)).part).toBeUndefined()
  })

  test('what is encrypted twice is opened once, and nothing beside the encrypted message counts', async () => {
    expect(
      (await read(await sealed(await sealed('Content-Type: application/pgp-keys\n\nKEY')))).part,
    ).toBeUndefined()
    const inner = await sealed('Content-Type: text/plain\n\nKEY')
    const beside = lines('Content-Type: application/pgp-keys', '', 'OTHER')
    const text = lines(
      'Content-Type: multipart/mixed; boundary=A',
      '',
      '--A',
      beside,
      '--A',
      inner,
      '--A--',
      '',
    )
    expect(await read(text)).toMatchObject({ encrypted: true, part: undefined })
  })

  test('no mail makes it throw', async () => {
    const piece = fc.constantFrom(
      'From: a@b\r\n',
      'Content-Type: multipart/encrypted; boundary=B\r\n',
      'Content-Type: application/pgp-keys\r\n',
      'Content-Type: application/octet-stream\r\n',
      'Content-Transfer-Encoding: base64\r\n',
      '\r\n',
      '--B\r\n',
      '--B--\r\n',
      '-----BEGIN PGP MESSAGE-----\r\n',
      'wV4D\r\n',
    )
    const mails = fc.array(fc.oneof(piece, fc.string({ unit: 'binary', maxLength: 20 })), { maxLength: 30 })
    await fc.assert(fc.asyncProperty(mails, async (pieces) => void (await read(pieces.join('')))))
  })
})

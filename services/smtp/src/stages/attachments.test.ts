import { expect, test } from 'vitest'
import { MailHeader } from '@sealpost/mail'
import type { Transaction } from '../reception/stage.ts'
import { attachmentsStage, largestAttachment } from './attachments.ts'

const MIB = 1024 * 1024

/** The reply, and the size that the other stages are told. */
async function judge(
  type: string,
  encoding: string,
  content: Buffer,
): Promise<[string | undefined, number | undefined]> {
  const [outer, inner] = type.split('>')
  const header = MailHeader.parse(Buffer.from(`Content-Type: ${outer ?? ''}; boundary=b\r\n`))
  const transaction = { header, notes: new Map() } as unknown as Transaction
  const watcher = attachmentsStage.watch?.(transaction)
  await watcher?.write(
    Buffer.from(`--b\r\nContent-Type: ${inner ?? ''}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`),
  )
  for (let at = 0; at < content.length; at += 65_536) await watcher?.write(content.subarray(at, at + 65_536))
  await watcher?.write(Buffer.from('\r\n--b--\r\n'))
  return [(await watcher?.end())?.message, largestAttachment.get(transaction)]
}

const base64 = (bytes: number): Buffer =>
  Buffer.from(Buffer.alloc(bytes).toString('base64').replaceAll(/.{76}/g, '$&\r\n'))

test('an attachment has 30 MB decoded, to the byte, in whatever encoding', async () => {
  const zip = 'multipart/mixed>application/zip'
  expect(await judge(zip, 'base64', base64(30 * MIB))).toEqual([undefined, 30 * MIB])
  expect(await judge(zip, 'base64', base64(30 * MIB + 1))).toEqual([
    '5.3.4 An attachment has 30.1 MB decoded; 30.0 MB are allowed',
    30 * MIB + 1,
  ])
  expect(await judge(zip, '8bit', Buffer.alloc(30 * MIB, 'x'))).toEqual([undefined, 30 * MIB])
  expect((await judge(zip, '8bit', Buffer.alloc(30 * MIB + 1, 'x')))[0]).toMatch(/^5\.3\.4/)
})

test('an encrypted part has 44 MiB of ciphertext (RFC 3156 §4)', async () => {
  const encrypted = 'multipart/encrypted>application/octet-stream'
  expect(await judge(encrypted, '7bit', base64(44 * MIB))).toEqual([undefined, 44 * MIB])
  expect((await judge(encrypted, '7bit', base64(44 * MIB + 1)))[0]).toMatch(
    /^5\.3\.4 The encrypted part has 44\.1 MB/,
  )
})

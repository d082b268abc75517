import { MailHeader } from '@sealpost/mail'
import type { Content } from '../src/content.ts'

/** A mail in memory, its body in chunks of `chunkBytes`. */
export function contentOf(text: string | Buffer, chunkBytes = 64 * 1024): Content & { fields: MailHeader } {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const end = bytes.indexOf('\r\n\r\n')
  const header = bytes.subarray(0, end === -1 ? bytes.length : end + 4)
  const body = bytes.subarray(header.length)
  const fields = MailHeader.parse(header)
  if (fields === undefined) throw new Error('not a header')
  return {
    header,
    fields,
    bodyBytes: body.length,
    async *body() {
      for (let at = 0; at < body.length; at += chunkBytes) yield body.subarray(at, at + chunkBytes)
      await Promise.resolve()
    },
  }
}

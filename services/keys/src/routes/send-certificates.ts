/** An answer of certificates as they are stored, and the entity tag by which a client need not fetch it again. RFC 9110 §8.8.3, §13.1.2 */
import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from '@sealpost/http'

/** Of the digest in Base64: enough that no two certificates share one. */
const TAG_CHARACTERS = 22

export function sendCertificates(
  request: FastifyRequest,
  reply: FastifyReply,
  { bytes, type }: { readonly bytes: Buffer; readonly type: string },
): FastifyReply {
  const tag = `"${hash('sha256', bytes, 'base64url').slice(0, TAG_CHARACTERS)}"`
  void reply.header('etag', tag)
  if (isKnown(request.headers['if-none-match'], tag)) return reply.code(304).send()
  return reply.code(200).type(type).send(bytes)
}

/** RFC 9110 §8.8.3.2: compared weakly. */
function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((each) => [tag, '*'].includes(each.trim().replace(/^W\//, '')))
}

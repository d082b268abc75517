/**
 * The terms' limit of attachments: 30 MB each, of what they are when decoded, whatever the encoding; a part encrypted by RFC 3156 may have 44 MiB of ciphertext,
 * which is such a file in Base64 inside. Counted while the body comes in. And what no honest mail has: a thousand parts, or twenty inside each other.
 */
import { Base64Size, type DecodedSize, decodedSize, type MimePart, MimeWalker } from '@sealpost/mail'
import { type BodyWatcher, type Stage, type Transaction, transactionNote } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'

const MIB = 1024 * 1024
export const ATTACHMENT_BYTES_MAX = 30 * MIB
export const CIPHERTEXT_BYTES_MAX = 44 * MIB
const LIMITS = { partsMax: 1_000, depthMax: 20 } as const

const malformed = () => new SmtpReply(550, '5.6.0', 'Too many parts, or too deep') // RFC 3463 §3.7

/** The largest attachment of a mail that came in, decoded; known at `message`. */
export const largestAttachment = transactionNote<number>('largest attachment')

/** One part, while it is counted. */
interface Counted {
  readonly size: DecodedSize
  readonly bytesMax: number
}

export const attachmentsStage: Stage = {
  name: 'attachments',
  watch: (transaction) => watcher(transaction),
}

function watcher(transaction: Transaction): BodyWatcher {
  const counted: Counted[] = []
  let largest: Counted | undefined
  const walker = new MimeWalker(
    transaction.header,
    (part) => {
      const current = counterOf(part)
      return {
        write: (bytes) => current.size.write(bytes),
        end: () => {
          if (current.size.bytes > (largest?.size.bytes ?? -1)) largest = current
          if (current.size.bytes > current.bytesMax) counted.push(current)
        },
      }
    },
    LIMITS,
  )
  return {
    write(chunk) {
      walker.write(chunk)
      return walker.fault === undefined ? undefined : malformed()
    },
    end() {
      walker.end()
      largestAttachment.set(transaction, largest?.size.bytes ?? 0)
      if (walker.fault !== undefined) return malformed()
      const [tooLarge] = counted
      return tooLarge === undefined ? undefined : refusal(tooLarge)
    },
  }
}

function counterOf({ type, encoding, parents }: MimePart): Counted {
  if (parents.at(-1) !== 'multipart/encrypted' || type === 'application/pgp-encrypted')
    return { size: decodedSize(encoding), bytesMax: ATTACHMENT_BYTES_MAX }
  const armored = /^[78]bit$/.test(encoding)
  return { size: armored ? new Base64Size() : decodedSize(encoding), bytesMax: CIPHERTEXT_BYTES_MAX }
}

/** RFC 3463 §3.4. */
function refusal({ size, bytesMax }: Counted): SmtpReply {
  const inMb = (bytes: number): string => (Math.ceil((bytes * 10) / MIB) / 10).toFixed(1)
  const what = bytesMax === ATTACHMENT_BYTES_MAX ? 'An attachment' : 'The encrypted part'
  return new SmtpReply(
    552,
    '5.3.4',
    `${what} has ${inMb(size.bytes)} MB decoded; ${inMb(bytesMax)} MB are allowed`,
  )
}

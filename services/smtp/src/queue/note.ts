/** What the relay keeps for itself in the store of mails: compressed, sealed under a key of its own, and unreadable once that is destroyed. */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { KeptMail } from './kept-mail.ts'
import type { Place } from './mail-keys.ts'
import type { MailStore } from './mail-store.ts'

export type NotePlace = Extract<Place, 'reports' | 'policies'>

const [compress, decompress] = [promisify(gzip), promisify(gunzip)]

const ENVELOPE = {
  sender: undefined,
  recipients: [],
  smtpUtf8: false,
  eightBit: true,
  requireTls: false,
  returnContent: undefined,
  envelopeId: undefined,
} as const

export function notesOf(store: MailStore, place: NotePlace): KeptMail[] {
  return [...store.all()].filter((kept) => kept.place === place)
}

/** Durable when it resolves. Throws QueueError, DbError. */
export async function keepNote(
  store: MailStore,
  { place, keepSeconds }: { readonly place: NotePlace; readonly keepSeconds: number },
  bytes: Buffer,
): Promise<KeptMail> {
  await using draft = store.draft()
  await draft.write(await compress(bytes))
  await draft.finish()
  const { kept } = await store.accept({
    account: undefined,
    place,
    envelope: ENVELOPE,
    header: Buffer.alloc(0),
    draft,
    recipients: [],
    keepSeconds,
  })
  return kept
}

/** Undefined: it is gone. Throws when it is damaged or longer than `bytesMax`; DbError. */
export async function readNote(
  store: MailStore,
  kept: KeptMail,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const opened = await store.open(kept)
  if (opened === undefined) return undefined
  const chunks: Buffer[] = []
  for await (const chunk of opened.content.body()) chunks.push(chunk)
  return decompress(Buffer.concat(chunks), { maxOutputLength: bytesMax })
}

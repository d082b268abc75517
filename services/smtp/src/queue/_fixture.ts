/** A migrated database, a keyring and a spool of their own for a test, and mails to put into them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDb } from '@sealpost/db'
import type { Db } from '@sealpost/db'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { parseAddress } from '@sealpost/mail'
import { createMigratedDatabase } from '../../../../test/database.ts'
import type { Content } from '../content.ts'
import type { Envelope } from '../reception/stage.ts'
import type { Draft } from './mail-queue.ts'
import type { NewMail } from './kept-mail.ts'
import type { MailStore } from './mail-store.ts'
import { type MailStoreOptions, openMailStore } from './open-mail-store.ts'

export interface QueueFixture extends AsyncDisposable {
  readonly url: string
  readonly db: Db
  readonly keyringDir: string
  readonly spoolDir: string
  open(changes?: Partial<MailStoreOptions>): Promise<MailStore>
}

export async function createQueueFixture(): Promise<QueueFixture> {
  await using stack = new AsyncDisposableStack()
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_smtp' }))
  const directory = await mkdtemp(join(tmpdir(), 'mail-store-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const [keyringDir, spoolDir] = [join(directory, 'keyring'), join(directory, 'spool')]
  const owned = stack.move()
  return {
    url,
    db,
    keyringDir,
    spoolDir,
    open: (changes) =>
      openMailStore({
        db,
        keyringDir,
        spoolDir,
        log: createLog({ level: 'silent' }),
        metrics: createMetrics(),
        clock: systemClock,
        random: systemRandom,
        onFenced: () => undefined,
        onExpired: () => undefined,
        ...changes,
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export function envelopeFor(sender: string | undefined, ...recipients: readonly string[]): Envelope {
  return {
    sender: sender === undefined ? undefined : parseAddress(sender),
    recipients: recipients.map((text) => {
      const address = parseAddress(text)
      if (address === undefined) throw new Error(`${text} is no address`)
      return { address, notify: undefined, originalRecipient: undefined }
    }),
    smtpUtf8: false,
    eightBit: false,
    requireTls: false,
    returnContent: undefined,
    envelopeId: undefined,
  }
}

export async function fill<D extends Draft>(draft: D, body: string | Buffer): Promise<D> {
  await draft.write(Buffer.from(body))
  await draft.finish()
  return draft
}

/** A mail to one recipient, ready to be accepted. */
export async function newMail(
  store: MailStore,
  body: string | Buffer = 'body\r\n',
  changes: Partial<NewMail> = {},
): Promise<NewMail> {
  return {
    account: undefined,
    place: 'outgoing',
    envelope: envelopeFor('ann@example.org', 'bob@example.com'),
    header: Buffer.from('Subject: test\r\n\r\n'),
    draft: await fill(store.draft(), body),
    recipients: [{ done: false, attempts: 1, nextAt: 0, delayTold: false }],
    keepSeconds: 3600,
    ...changes,
  }
}

export async function bytesOf(content: Content | undefined): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of content?.body() ?? []) chunks.push(chunk)
  return Buffer.concat(chunks)
}

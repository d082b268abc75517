/** The relay's queue, and what it was given, where tests can see it. */
import { once, EventEmitter } from 'node:events'
import { join } from 'node:path'
import type { AccountsDomain } from '@sealpost/accounts'
import { defineConfig } from '@sealpost/config'
import type { TestPlatform } from '../../../test/platform.ts'
import { readConfig } from '../src/config.ts'
import { createEvents } from '../src/events.ts'
import { type MailFlow, openMailFlow } from '../src/mail-flow.ts'
import type { Draft, MailQueue, MailToQueue } from '../src/queue/mail-queue.ts'
import { uncounted } from './flow.ts'
import { noDns, unsigned } from './peers.ts'

export interface SeenMail extends Omit<MailToQueue, 'draft'> {
  readonly id: string
  readonly body: Buffer
}

/** On the database and in the data directory of the platform. */
export async function openSeenQueue(platform: TestPlatform, accounts: AccountsDomain): Promise<SeenQueue> {
  const { dataDir } = platform
  const keyring = join(dataDir, 'keyring')
  const config = defineConfig({ SEALPOST_DATA_DIR: dataDir, KEYRING_DIR: keyring }, readConfig)
  const flow = await openMailFlow(config, platform, {
    accounts,
    resolver: noDns,
    signer: unsigned,
    bounces: { watch: (carrier) => carrier },
    collector: uncounted(platform, noDns),
    events: createEvents(platform),
  })
  return new SeenQueue(flow, config.spoolDir)
}

export class SeenQueue implements MailQueue, AsyncDisposable {
  readonly mails: SeenMail[] = []
  readonly spoolDir: string
  readonly #flow: MailFlow
  readonly #grown = new EventEmitter()

  constructor(flow: MailFlow, spoolDir: string) {
    this.#flow = flow
    this.spoolDir = spoolDir
  }

  draft(): Draft {
    return this.#flow.queue.draft()
  }

  async enqueue(mail: MailToQueue): Promise<string> {
    const { draft, ...rest } = mail
    const chunks: Buffer[] = []
    for await (const chunk of (await draft.finish())()) chunks.push(chunk)
    const id = await this.#flow.queue.enqueue(mail)
    this.mails.push({ ...rest, id, body: Buffer.concat(chunks) })
    this.#grown.emit('mail')
    return id
  }

  /** The last mail, once there are so many. */
  async mail(count: number): Promise<SeenMail> {
    while (this.mails.length < count) await once(this.#grown, 'mail')
    const mail = this.mails[count - 1]
    if (mail === undefined) throw new Error('no such mail')
    return mail
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flow[Symbol.asyncDispose]()
  }
}

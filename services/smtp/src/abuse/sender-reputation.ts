/**
 * Inbound spammers are blocked for a time, strangers are greylisted (RFC 6647). A sender is the domain that SPF has proven, else the network it connects from; both are
 * known as keyed hashes.
 */
import { formatAddress } from '@sealpost/mail'
import { clientNetwork, type Clock, type Supervisor } from '@sealpost/runtime'
import type { SmtpEvents } from '../events.ts'
import type { Client, Envelope, EnvelopeRecipient, Stage, Transaction } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'
import type { ConnectionIdentity } from '../stages/authentication/connection-identity.ts'
import { isStranger } from '../stages/authentication/sender-authentication.ts'
import { isRoleAddress } from '../stages/recipients.ts'
import { isSpecialAddress } from '@sealpost/config'
import type { SenderHashes } from './sender-hashes.ts'
import type { SenderStore } from './sender-store.postgres.ts'

const reject = {
  blocked: () => new SmtpReply(550, '5.7.1', 'Too much spam came from you, try again tomorrow'), // RFC 3463 §3.8
  later: () => new SmtpReply(451, '4.7.1', 'Not known here yet, try again in a few minutes'), // RFC 6647 §5
} as const

/** RFC 6647 §5: less than the first pause of any server that queues. */
const DELAY_MS = 2 * 60_000
const BLOCK_MS = 24 * 60 * 60_000
const ADMINISTRATOR_BLOCK_MS = 30 * BLOCK_MS
/** Spam from one sender before it is blocked; and four times as much as other mail. */
const SPAM_MIN = 10
/** Mails of a sender that make it known. */
const HAM_MIN = 3
const HOUR_MS = 60 * 60_000

export interface SenderReputationOptions {
  readonly store: SenderStore
  readonly hashes: SenderHashes
  readonly identity: ConnectionIdentity
  /** Whether strangers are asked to come again. */
  readonly greylist: boolean
  readonly clock: Clock
  readonly supervisor: Supervisor
  readonly events: Pick<SmtpEvents, 'greylisted'>
}

export interface SenderReputation extends Stage, Disposable {
  /** A scanner, or the author's domain, says that this mail is spam. */
  spamFound(transaction: Pick<Transaction, 'client' | 'envelope'>): void
  /** An administrator wants nothing from a domain for thirty days. */
  block(domain: string): Promise<void>
}

/** RFC 4291 §2.5.4 and how providers send: neighbours of one /24 or /64 are one sender. */
function networkOf(address: string): string {
  return clientNetwork(address).replace(/^(\d+\.\d+\.\d+)\.\d+$/, '$1')
}

export function senderReputation(options: SenderReputationOptions): SenderReputation {
  const { store, hashes, identity, clock, supervisor, events } = options

  const isJudged = (client: Client): boolean => isStranger(client) && !isSpecialAddress(client.address)
  const senderOf = async (client: Client, envelope: Pick<Envelope, 'sender'>): Promise<string> => {
    const spf = await identity.spf(client, envelope.sender)
    return spf.status.result === 'pass' ? `domain ${spf.domain}` : `network ${networkOf(client.address)}`
  }
  const count = (
    mail: 'ham' | 'spam',
    { client, envelope }: Pick<Transaction, 'client' | 'envelope'>,
  ): void => {
    if (!isJudged(client)) return
    const counting = senderOf(client, envelope).then((sender) =>
      store.count(hashes.hash(sender)[0], mail, { nowMs: clock.now(), blockMs: BLOCK_MS, spamMin: SPAM_MIN }),
    )
    supervisor.spawn(counting)
  }
  const collecting = clock.every(HOUR_MS, () => store.collect(clock.now()))

  /** SPF proves the domain and the address has a name of its own: somebody has set up a mail server here. */
  const isProven = async (client: Client, envelope: Envelope): Promise<boolean> => {
    const [spf, reverse] = await Promise.all([
      identity.spf(client, envelope.sender),
      identity.reverse(client),
    ])
    return spf.status.result === 'pass' && reverse.result === 'pass'
  }
  const isGreylisted = async (
    client: Client,
    envelope: Envelope,
    { address }: EnvelopeRecipient,
  ): Promise<boolean> => {
    if (await isProven(client, envelope)) return false
    const sender = await senderOf(client, envelope)
    const { ham, spam } = await store.reputation(hashes.hash(sender), clock.now())
    if (ham >= HAM_MIN && spam === 0) return false
    const from = envelope.sender === undefined ? '' : formatAddress(envelope.sender).toLowerCase()
    const triplet = hashes.hash(sender, from, formatAddress(address).toLowerCase())
    return !(await store.meetTriplet(triplet, clock.now(), DELAY_MS))
  }

  /** Of the mail that each client is sending. */
  const blocked = new WeakMap<Client, boolean>()

  return {
    name: 'sender-reputation',
    async sender(client, envelope) {
      if (!isJudged(client)) return undefined
      const sender = hashes.hash(await senderOf(client, envelope))
      blocked.set(client, (await store.reputation(sender, clock.now())).blocked)
      return undefined
    },
    async recipient(client, envelope, recipient) {
      if (!isJudged(client) || isRoleAddress(recipient.address)) return undefined
      if (blocked.get(client) === true) return reject.blocked()
      if (!options.greylist) return undefined
      const greylisted = await isGreylisted(client, envelope, recipient)
      events.greylisted(greylisted)
      return greylisted ? reject.later() : undefined
    },
    accepted: (transaction) => count('ham', transaction),
    spamFound: (transaction) => count('spam', transaction),
    block: (domain) =>
      store.block(hashes.hash(`domain ${domain}`)[0], clock.now(), clock.now() + ADMINISTRATOR_BLOCK_MS),
    [Symbol.dispose]: () => collecting[Symbol.dispose](),
  }
}

/**
 * Messages: to whom (RFC 6121 §8.5) and how (delivery/). A message to a bare JID goes to every device of the
 * account, one to a full JID to that resource; what can be kept waits in a queue per device.
 */
import { Priority } from '@sealpost/hooks'
import type { Jid } from '@sealpost/jid'
import type { MaybePromise } from '@sealpost/runtime'
import { type Element, errorReply, NS_CHATSTATES, NS_HINTS, StanzaError } from '@sealpost/stanza'
import {
  type AccountRef,
  chain,
  defineModule,
  type Module,
  type ModuleHost,
  type OutboundMessage,
  type Session,
} from '../core/module.ts'
import type { Outcome, QueuedMessage } from '../delivery/copy.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { AccountQueues, DeviceRegistry } from '../delivery/device-registry.ts'
import type { QueueKey } from '../delivery/sealed-store/sealed-store.ts'
import { type DeviceHistory, type Fate, Retransmissions } from '../delivery/retransmissions.ts'
import { AnyTakerOutcome, SenderOutcome } from '../delivery/sender-outcome.ts'

type Deliver = (event: OutboundMessage) => MaybePromise<true>

declare module '../core/module.ts' {
  interface Provided {
    messages: {
      /** Delivers a message unless its client sends again what was taken already. */
      once(event: OutboundMessage, deliver: Deliver): MaybePromise<true>
      /** Gives a message to the queues of an account; those that are full are left out, and their devices told. */
      give(queues: AccountQueues, queued: QueuedMessage, outcome: Outcome): void
      /** Gives a message of this sender to the queues of one account. Throws StanzaError when none of them takes it. */
      reach(event: OutboundMessage, queues: AccountQueues, queued: QueuedMessage): Outcome
    }
  }
}

declare module '../core/session.ts' {
  interface SessionData {
    /** What the device has sent, in this session and before. */
    history?: DeviceHistory
  }
}

export interface MessageOptions {
  readonly delivery: Delivery
  readonly devices: DeviceRegistry
}

export const message = (options: MessageOptions): Module =>
  defineModule({
    name: 'message',
    implements: ['RFC 6121', 'XEP-0160 1.0.1', 'XEP-0203 2.0'],
    depends: ['presence'],
    setup(host) {
      const { delivery } = options
      const sent = new Retransmissions()
      const toAccount = (event: OutboundMessage) => deliver(host, options, event)
      host.hook('message/deliver', (event) => deliverOnce(host, event, toAccount), Priority.deliver)
      host.provide('messages', {
        once: (event, deliverIt) => deliverOnce(host, event, deliverIt),
        give: (queues, queued, outcome) => {
          const taking = queued.kept ? roomy(delivery, queues) : queues.inUse
          give(host, delivery, { queues, taking }, queued, outcome)
        },
        reach: (event, queues, queued) => reach(host, delivery, event, { direct: undefined, queues }, queued),
      })
      host.hook('session/bound', ({ session }) => {
        session.data.history = sent.of(session.queues.device.id)
      })
      host.hook('session/restored', ({ session }) => {
        session.data.history = sent.of(session.queues.device.id)
      })
      host.hook('presence/available', ({ session }) => takeMessages(options, session))
      host.hook('presence/unavailable', ({ session }) => {
        delivery.detach(session)
        return undefined
      })
      host.hook('session/resumed', ({ session }) => {
        session.data.history?.sessionBegins() // what was not safe by then comes again
        return takeMessages(options, session)
      })
      host.feature('msgoffline') // XEP-0160 §4
    },
  })

/** Sessions with a non-negative priority drain their queues and then get messages live (RFC 6121 §4.7.2.3). */
function takeMessages({ delivery, devices }: MessageOptions, session: Session): undefined {
  if (!session.receivesMessages) {
    delivery.detach(session)
    return undefined
  }
  const { inherited, own, device } = session.queues
  if (inherited && session.inheritUntil !== undefined) {
    const taken = () => void devices.inherited(session.account, device).catch(() => undefined) // tried again at the next sign-in
    delivery.attach(session, inherited, { seq: session.inheritUntil, taken })
  }
  delivery.attach(session, own)
  return undefined
}

/** What a client sends again because it never learned that it was taken goes no further (XEP-0198 §5). */
function deliverOnce(host: ModuleHost, event: OutboundMessage, deliverIt: Deliver): MaybePromise<true> {
  const { session, stanza, receipt, handling } = event
  const history = session?.data.history
  if (!history || !session?.inbox.enabled || !stanza.attrs['id']) return deliverIt(event)
  const fate = history.recognise(stanza, handling?.encrypted === true)
  if (fate) {
    receipt.hold() // it counts when the original does
    fate.whenDone(() => host.spawn(settleAgain(event, fate, deliverIt)))
    return true
  }
  history.remember(stanza, handling?.encrypted === true, receipt)
  return deliverIt(event)
}

/** The original was taken, or was refused after all: then this one is delivered. */
async function settleAgain(event: OutboundMessage, fate: Fate, deliverIt: Deliver): Promise<void> {
  const { sender, session, stanza, receipt, handling } = event
  try {
    if (!fate.refused) return
    session?.data.history?.remember(stanza, handling?.encrypted === true, receipt)
    await deliverIt(event)
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error
    sender.send(errorReply(stanza, error))
  } finally {
    receipt.release()
  }
}

function deliver(host: ModuleHost, options: MessageOptions, event: OutboundMessage): MaybePromise<true> {
  if (!host.domains.includes(event.to.domain)) return handOver(host, event)
  return chain(host.accounts.find(event.to), (recipient) => {
    // RFC 6121 §8.5.1; a suspended account looks like none.
    if (recipient?.state !== 'active') return refuseUnknown(event)
    const type = event.stanza.attrs['type'] ?? 'normal'
    if (type === 'groupchat') throw new StanzaError('cancel', 'service-unavailable') // RFC 6121 §8.5.2.1.1
    const direct = event.to.resource === '' ? undefined : host.sessions.find(event.to)
    if (type === 'error' || type === 'headline') return passBy(host, event, direct)
    if (event.handling?.storable !== true) return deliverNow(host, event, recipient, direct)
    return chain(options.devices.queuesOf(recipient), (queues) =>
      deliverStorable(host, options, event, recipient, direct, queues),
    )
  })
}

/** To a domain that is not served here: who speaks for it acknowledges nothing. What is kept is the copies for the sender's other devices. */
function handOver(host: ModuleHost, event: OutboundMessage): MaybePromise<true> {
  const { stanza, to, handling } = event
  const destination = host.destinations.find(to.domain)
  if (!destination) throw new StanzaError('cancel', 'remote-server-not-found')
  destination.take(stanza)
  const away = { ...event, recipient: undefined, direct: undefined }
  const told =
    handling?.storable === true
      ? host.fire('message/delivered', {
          ...away,
          queued: queuedMessage(host, event),
          outcome: new SenderOutcome(event),
        })
      : host.fire('message/passed', away)
  return chain(told, () => true as const)
}

function refuseUnknown(event: OutboundMessage): true {
  if (event.stanza.attrs['type'] !== 'error') throw new StanzaError('cancel', 'service-unavailable')
  return true
}

/** Errors and headlines reach who is here, and are worth nothing later (RFC 6121 §8.5.2.1.1, §8.5.3.2.1). */
function passBy(host: ModuleHost, { stanza, to }: OutboundMessage, direct: Session | undefined): true {
  if (direct) direct.sendUnkept(stanza)
  else if (to.resource === '' && stanza.attrs['type'] === 'headline') {
    for (const session of connected(host, to)) session.sendUnkept(stanza)
  }
  return true
}

/** Live only: chat states, `no-store`, and plaintext where the policy lets it pass. */
function deliverNow(
  host: ModuleHost,
  event: OutboundMessage,
  recipient: AccountRef,
  addressed: Session | undefined,
): MaybePromise<true> {
  const { stanza, to, handling } = event
  const direct = addressed?.stream ? addressed : undefined
  const targets = direct ? [direct] : connected(host, to)
  const state = chatState(stanza)
  for (const session of targets) {
    if (state === undefined) session.sendUnkept(stanza)
    else session.sendWhenActive(state, stanza.toString(), false)
  }
  if (targets.length === 0 && stanza.child('body') && handling)
    throw new StanzaError('wait', 'recipient-unavailable')
  return chain(host.fire('message/passed', { ...event, recipient, direct }), () => true as const)
}

/** XEP-0085 §5.1: a state and nothing else, worth nothing once the next one comes; what of it that is. */
function chatState(stanza: Element): string | undefined {
  const others = stanza
    .elements()
    .some(({ name, ns }) => ns !== NS_CHATSTATES && ns !== NS_HINTS && name !== 'thread')
  return others ? undefined : `state ${stanza.attrs['from'] ?? ''}`
}

function connected(host: ModuleHost, to: Jid): Session[] {
  return host.sessions.of(to).filter((session) => session.receivesMessages && session.stream)
}

function deliverStorable(
  host: ModuleHost,
  { delivery }: MessageOptions,
  event: OutboundMessage,
  recipient: AccountRef,
  addressed: Session | undefined,
  queues: AccountQueues,
): MaybePromise<true> {
  const direct = addressed?.closed === true ? undefined : addressed // RFC 6121 §8.5.3.2.1: then as to the bare JID
  const queued = queuedMessage(host, event)
  const outcome = reach(host, delivery, event, { direct, queues }, queued)
  const delivered = { ...event, recipient, direct, queued, outcome }
  return chain(host.fire('message/delivered', delivered), () => true as const)
}

function queuedMessage({ clock }: ModuleHost, { stanza, handling }: OutboundMessage): QueuedMessage {
  const now = clock.now()
  return {
    xml: stanza.toString(),
    stampMs: now,
    dueSeconds: Math.ceil(now / 1000) + (handling?.ttlSeconds ?? 0),
    kind: 'message',
    wakes: handling?.wakes === true,
    kept: handling?.kept !== false,
  }
}

interface Targets {
  /** The session addressed by full JID. */
  readonly direct: Session | undefined
  readonly queues: AccountQueues
}

function reach(
  host: ModuleHost,
  delivery: Delivery,
  event: OutboundMessage,
  targets: Targets,
  queued: QueuedMessage,
): Outcome {
  return queued.kept
    ? deliverKept(host, delivery, event, targets, queued)
    : deliverUnkept(delivery, event, targets, queued)
}

/** A full queue is left out; the sender is refused only when no queue of the account can take the message. */
function deliverKept(
  host: ModuleHost,
  delivery: Delivery,
  event: OutboundMessage,
  { direct, queues }: Targets,
  queued: QueuedMessage,
): Outcome {
  const outcome = new SenderOutcome(event)
  if (direct) {
    if (delivery.isFull(direct.queues.own)) throw queueFull()
    delivery.deliverTo(direct, direct.queues.own, queued, outcome)
    return outcome
  }
  const taking = roomy(delivery, queues)
  if (taking.length === 0) throw queueFull()
  give(host, delivery, { queues, taking }, queued, outcome)
  return outcome
}

function roomy(delivery: Delivery, { inUse }: AccountQueues): readonly QueueKey[] {
  return inUse.filter((key) => !delivery.isFull(key))
}

/** To those that take it; the others are left out, and their devices told. */
function give(
  host: ModuleHost,
  delivery: Delivery,
  { queues: { inUse }, taking }: { readonly queues: AccountQueues; readonly taking: readonly QueueKey[] },
  queued: QueuedMessage,
  outcome: Outcome,
): void {
  for (const key of taking) delivery.deliver(key, queued, outcome)
  if (taking.length === inUse.length) return
  for (const key of inUse) if (!taking.includes(key)) void host.fire('queue/overrun', { queue: key })
}

/** To those who are here, and to nobody else: the sender is refused when no device takes it. */
function deliverUnkept(
  delivery: Delivery,
  event: OutboundMessage,
  { direct, queues }: Targets,
  queued: QueuedMessage,
): Outcome {
  const outcome = new AnyTakerOutcome(event)
  if (direct) delivery.deliverTo(direct, direct.queues.own, queued, outcome)
  else for (const key of queues.inUse) delivery.deliver(key, queued, outcome)
  if (!outcome.allWritten()) throw new StanzaError('wait', 'recipient-unavailable')
  return outcome.forCarbons
}

function queueFull(): StanzaError {
  return new StanzaError(
    'wait',
    'resource-constraint',
    'The recipient cannot take more messages at the moment',
  )
}

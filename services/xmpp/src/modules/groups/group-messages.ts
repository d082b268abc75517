/**
 * XEP-0045 §7.4 and §7.5: a message to a group goes to the device queues of all who take part in it, here or away, its sender's included, as a message to an account goes to that
 * account's: sealed, acknowledged and destroyed device by device. Nothing is kept beside. What is worth nothing later goes to those who are in the group now.
 */
import type { Jid } from '@sealpost/jid'
import { Budget, type BudgetRate, type MaybePromise } from '@sealpost/runtime'
import {
  attributesToString,
  type Element,
  element,
  escapeXml,
  NS_CLIENT,
  NS_DELAY,
  NS_MUC_USER,
  NS_OCCUPANT_ID,
  NS_SID,
} from '@sealpost/stanza'
import {
  type AddressedStanza,
  chain,
  type ModuleHost,
  type OutboundMessage,
  type Provided,
  type Session,
} from '../../core/module.ts'
import type { Outcome, QueuedMessage } from '../../delivery/copy.ts'
import type { AccountQueues, DeviceRegistry } from '../../delivery/device-registry.ts'
import { SenderOutcome } from '../../delivery/sender-outcome.ts'
import type { DomainPolicies } from '../../policy/domain-policies.ts'
import { pause } from './occupancy.ts'
import { refuse } from './refusals.ts'
import type { Occupant, Room } from './room.ts'
import type { Affiliated } from './store.ts'

/** Messages of one session to groups, and bytes of all their copies; beyond, it is read from more slowly. */
const MESSAGES_RATE: BudgetRate = { burst: 500, perSecond: 50 }
const COPIES_BYTES_RATE: BudgetRate = { burst: 512 * 1024 * 1024, perSecond: 32 * 1024 * 1024 }
/** Copies made before the event loop gets its turn: the sender's next stanza waits for it. */
const COPIES_PER_TURN = 100
/** A notice of the group itself, such as an invitation, waits no longer. */
const NOTICE_TTL_SECONDS = 14 * 86_400
/** What only the group may say in a message. */
const GROUP_ONLY = [NS_MUC_USER, NS_OCCUPANT_ID, NS_SID, NS_DELAY]

declare module '../../core/session.ts' {
  interface SessionData {
    groupMessageBudgets?: { readonly messages: Budget; readonly bytes: Budget }
  }
}

export interface GroupMessagesOptions {
  readonly host: ModuleHost
  readonly devices: DeviceRegistry
  readonly policies: DomainPolicies
  readonly blocking: Provided['blocking']
  readonly messages: Provided['messages']
}

interface Recipient {
  readonly jid: Jid
  readonly queues: AccountQueues
}

/** The parts of a stanza that all copies have in common. */
interface Letter {
  /** The occupant's address. */
  readonly from: string
  readonly start: string
  readonly end: string
}

export class GroupMessages {
  readonly #options: GroupMessagesOptions

  constructor(options: GroupMessagesOptions) {
    this.#options = options
  }

  /** XEP-0045 §7.4: from somebody who is in the group, to all who take part. */
  async toAll(event: AddressedStanza): Promise<void> {
    const { session, stanza, to } = event
    const room = session.data.groups?.get(to.toString())
    const occupant = room?.occupantOf(session.jid)
    if (!room || !occupant) throw refuse.notThere()
    await this.pace(session, room, stanza.innerXml().length)
    const passed = await this.#throughPolicy({ ...event, audience: room.domains })
    if (isSubject(stanza) && passed.handling?.encrypted !== true) throw refuse.subject()
    await this.#options.messages.once(passed, (message) =>
      chain(
        room.sequence(() => this.#fanOut(room, occupant, session, message)),
        () => true as const,
      ),
    )
  }

  /** XEP-0045 §7.5: to one of them, with both nicknames. */
  async toOne(event: AddressedStanza): Promise<void> {
    const { session, to } = event
    const room = session.data.groups?.get(to.bare.toString())
    const occupant = room?.occupantOf(session.jid)
    if (!room || !occupant) throw refuse.notThere()
    const target = room.byNick(to.resource)
    if (!target?.entered) throw refuse.noRoom()
    const passed = await this.#throughPolicy({ ...event, audience: [target.jid.domain] })
    const { blocking, messages } = this.#options
    await blocking.checkOutbound(session, target.jid)
    const recipient = await this.#recipient(room, target, session.jid)
    if (!recipient) throw refuse.unavailable()
    const letter = this.#letter(room, occupant, session, passed.stanza, element('x', NS_MUC_USER))
    await messages.once(passed, (message) => {
      const there = room.occupantOf(target.jid)
      if (message.handling?.storable === true) {
        const queued = this.#queuedFor(room, message)(target.jid, letter)
        messages.reach(message, recipient.queues, queued)
      } else if (there || !isWord(message)) this.#sendNow(message, letter, there)
      else throw refuse.away()
      return true
    })
  }

  /** The group's own word to an account, whether or not it is there; `from`: who had it said. */
  async notify(room: Room, to: Affiliated, message: Element, from?: Jid): Promise<void> {
    const recipient = await this.#recipient(room, to, from)
    if (!recipient) return
    const { host, policies, messages } = this.#options
    const now = host.clock.now()
    const policy = policies.of(to.jid.domain)
    const life = Math.min(NOTICE_TTL_SECONDS, policy.messageTtlSeconds)
    messages.give(
      recipient.queues,
      {
        xml: message.withAttrs({ from: room.jidText, to: to.jid.toString() }).toString(),
        stampMs: now,
        dueSeconds: Math.ceil(now / 1000) + life,
        kind: 'message',
        wakes: from !== undefined, // somebody wants an answer
        kept: policy.storage === 'sealed',
        delayedBy: room.jidText,
      },
      NOBODY_WAITS,
    )
  }

  /** The same to all who take part. */
  async notifyAll(room: Room, message: Element): Promise<void> {
    for (const member of room.participants) await this.notify(room, member, message)
  }

  /** Who sends more than others can take is read from more slowly; `length`: of each copy. */
  async pace(session: Session, room: Room, length: number): Promise<void> {
    const { host } = this.#options
    const now = host.clock.monotonic()
    const budgets = (session.data.groupMessageBudgets ??= {
      messages: new Budget(MESSAGES_RATE, now),
      bytes: new Budget(COPIES_BYTES_RATE, now),
    })
    await pause(host, budgets.messages, 1)
    await pause(host, budgets.bytes, length * room.participants.length)
  }

  #throughPolicy(event: OutboundMessage): MaybePromise<OutboundMessage> {
    return chain(this.#options.host.fire('message/outbound', event), (passed) => passed ?? event)
  }

  #fanOut(room: Room, occupant: Occupant, session: Session, message: OutboundMessage): MaybePromise<void> {
    const { stanza, handling } = message
    if (room.occupants.get(occupant.key) !== occupant) throw refuse.notThere()
    const stanzaId = element('stanza-id', NS_SID, {
      id: this.#options.host.random.token(18),
      by: room.jidText,
    })
    const letter = this.#letter(room, occupant, session, stanza, stanzaId)
    if (handling?.storable !== true || handling.receipt)
      return this.#sendNow(message, letter, ...room.occupants.values())
    return chain(this.#recipients(room), (recipients) => this.#queue(room, message, letter, recipients))
  }

  /** XEP-0045 §7.4, XEP-0359 §3, XEP-0421 §4: from the occupant, with its id, and marks that only the group can make. */
  #letter(room: Room, occupant: Occupant, session: Session, stanza: Element, mark: Element): Letter {
    const { from: _, to: __, ...attrs } = stanza.attrs
    const children = stanza.children.filter(
      (child) => typeof child === 'string' || !(isGroupOnly(child) || child.is('subject', NS_CLIENT)),
    )
    const occupantId = element('occupant-id', NS_OCCUPANT_ID, { id: room.occupantId(session.account.id) })
    const from = `${room.jidText}/${occupant.nick}`
    return {
      from,
      start: `<message${attributesToString({ from, ...attrs })} to='`,
      end: `'>${stanza.withChildren([...children, mark, occupantId]).innerXml()}</message>`,
    }
  }

  /** What is worth nothing later, to those who are there now. */
  #sendNow(
    { stanza, handling }: OutboundMessage,
    letter: Letter,
    ...occupants: (Occupant | undefined)[]
  ): void {
    const isState = handling?.receipt !== true && !stanza.child('body')
    const state = isState ? `state ${letter.from}` : undefined // XEP-0085 §5.1: worth nothing once the next one comes
    for (const occupant of occupants) {
      for (const each of occupant?.sessions.keys() ?? []) {
        const xml = addressed(letter, each.jidText)
        if (state === undefined) each.sendUnkept(xml)
        else each.sendWhenActive(state, xml, false)
      }
    }
  }

  #queue(
    room: Room,
    message: OutboundMessage,
    letter: Letter,
    recipients: readonly Recipient[],
  ): MaybePromise<void> {
    const { messages, host } = this.#options
    const outcome = new SenderOutcome(message)
    const unkept = withoutRefusal(outcome)
    const queuedFor = this.#queuedFor(room, message)
    let copies = 0
    for (const { jid, queues } of recipients) {
      const queued = queuedFor(jid, letter)
      messages.give(queues, queued, queued.kept ? outcome : unkept)
      copies += queues.inUse.length
    }
    if (copies < COPIES_PER_TURN) return
    return new Promise((resolve) => host.clock.turn(resolve))
  }

  /** The copy of a recipient. */
  #queuedFor(room: Room, message: OutboundMessage): (jid: Jid, letter: Letter) => QueuedMessage {
    const queuedBy = this.#queuedBy(room, message)
    const own = message.sender.jid.bare
    return (jid, letter) => {
      const common = queuedBy(jid.domain)
      const wakes = common.wakes && !jid.equals(own) // nobody is woken by what they sent themselves
      return { ...common, wakes, xml: addressed(letter, jid.toString()) }
    }
  }

  /** What holds for copies by the domain of their recipient. */
  #queuedBy(
    room: Room,
    { sender, handling }: OutboundMessage,
  ): (domain: string) => Omit<QueuedMessage, 'xml'> {
    const { host, policies } = this.#options
    const now = host.clock.now()
    const known = new Map<string, Omit<QueuedMessage, 'xml'>>()
    const make = (domain: string) => {
      const policy = policies.among(sender.jid.domain, [room.home, domain])
      const life = Math.min(handling?.ttlSeconds ?? 0, policy.messageTtlSeconds)
      const queued = {
        stampMs: now,
        dueSeconds: Math.ceil(now / 1000) + life,
        kind: 'message' as const,
        wakes: handling?.wakes === true,
        kept: policy.storage === 'sealed',
        delayedBy: room.jidText,
      }
      known.set(domain, queued)
      return queued
    }
    return (domain) => known.get(domain) ?? make(domain)
  }

  /** Synchronous when everything about them is cached; one statement for all devices that are not. */
  #recipients(room: Room): MaybePromise<Recipient[]> {
    const found = room.participants.map((member) => this.#recipient(room, member))
    const known = found.filter((each): each is Recipient | undefined => !(each instanceof Promise))
    if (known.length === found.length) return present(known)
    return Promise.all(found.map(async (each) => each)).then(present)
  }

  /** Undefined: suspended, erased, or it has blocked the group, or `sender`. */
  #recipient(room: Room, { jid, accountId }: Affiliated, sender?: Jid): MaybePromise<Recipient | undefined> {
    const { host, devices, blocking } = this.#options
    return chain(host.accounts.find(jid), (account) => {
      if (account?.state !== 'active' || account.id !== accountId) return undefined
      return chain(blocking.isBlocked(account, room.jid), (apart) =>
        apart
          ? undefined
          : chain(sender ? blocking.isBlocked(account, sender) : false, (blocked) =>
              blocked ? undefined : chain(devices.queuesOf(account), (queues) => ({ jid, queues })),
            ),
      )
    })
  }
}

/** Nobody learns what became of what the group itself says. */
const NOBODY_WAITS: Outcome = { hold: () => undefined, release: () => undefined, refuse: () => undefined }

function withoutRefusal(outcome: Outcome): Outcome {
  return { hold: () => outcome.hold(), release: () => outcome.release(), refuse: () => undefined }
}

function present(found: readonly (Recipient | undefined)[]): Recipient[] {
  return found.filter((each) => each !== undefined)
}

function addressed({ start, end }: Letter, to: string): string {
  return start + escapeXml(to) + end
}

/** Somebody said something: it is no chat state, receipt or the like. */
function isWord({ stanza, handling }: OutboundMessage): boolean {
  return handling?.encrypted === true || stanza.child('body') !== undefined
}

/** XEP-0045 §8.1 */
function isSubject(stanza: Element): boolean {
  return stanza.child('subject') !== undefined && stanza.child('body') === undefined
}

function isGroupOnly({ name, ns }: Element): boolean {
  return GROUP_ONLY.includes(ns) && name !== 'origin-id'
}

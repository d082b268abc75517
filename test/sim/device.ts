/**
 * A client as people have them: signs in with SCRAM, binds, counts (XEP-0198), resumes when it can, and sends again
 * what was not acknowledged when it cannot. It speaks XML over a simulated connection and keeps its messages, sent and
 * received, whatever happens to its connection.
 */
import type { Clock } from '@sealpost/runtime'
import {
  type Element,
  NS_CARBONS,
  NS_CLIENT,
  NS_FORWARD,
  NS_SASL,
  NS_SM,
  NS_STREAM,
  StreamParser,
} from '@sealpost/stanza'
import type { Ledger, SentMessage } from './ledger.ts'
import type { ClientSide, ClientSocket } from './network.ts'
import { clientFinal, clientFirst } from './scram.ts'
import type { SeededRandom } from './seeded-random.ts'
import { type Trace, Violation } from './trace.ts'

export interface Traits {
  /** Undefined: the server chooses one at each sign-in. */
  readonly resource: string | undefined
  readonly streamManagement: boolean
  readonly resumes: boolean
  readonly carbons: boolean
  /** Sends on without waiting for `<enabled/>`. */
  readonly pipelines: boolean
  /** How late acknowledgements are at most; often they are at once. */
  readonly ackDelayMs: number
}

export interface DeviceWorld {
  readonly clock: Clock
  readonly random: SeededRandom
  readonly trace: Trace
  readonly ledger: Ledger
  /** Undefined while the relay is down. */
  connect(device: Device, client: ClientSide): ClientSocket | undefined
  /** Whether the relay knows this device, with a queue of its own. */
  isRegistered(device: Device): boolean
  /** Which life of the relay it is; undefined when what it takes in this life may count as refused without anybody hearing of it. */
  readonly relayLife: number | undefined
  /** Who must get a message from this device to that address. */
  obliged(sender: Device, account: string, resource: string | undefined): ReadonlySet<Device>
}

/** What survives a connection, on the client's side, for as long as a session may be resumed. */
export class ClientSession {
  /** The relay has a queue for this device: what comes is tracked, carbon copies too. */
  tracked = false
  previd: string | undefined
  /** Which `lives` of the device it belongs to. */
  life = 0
  /** Stanzas received, counted from `<enabled/>` or from the beginning. */
  received = 0
  /** A count that has reached the relay, by `<a/>`, by a `<resume/>` that succeeded, or by the answer to its ping. */
  acknowledgedUpTo = 0
  /** Since `<enable/>` what it sends is counted; since `<enabled/>` what it receives. */
  counting = false
  enabled = false
  /** Stanzas sent since `<enable/>` that `h` has not passed. */
  unacknowledged: { readonly xml: string; readonly message: SentMessage | undefined }[] = []
  sent = 0
  h = 0
  /** The relay stopped cleanly and must let it go on, until then (milliseconds since the epoch). */
  resumableUntilMs = 0
}

type Phase = 'offline' | 'negotiating' | 'binding' | 'up' | 'closing'

const PATIENCE_MS = 15_000
/** `internal-server-error`: for a database that is away; whether there was another reason, the relay's own events tell. */
const EXPECTED_ENDS = [
  'system-shutdown',
  'connection-timeout',
  'conflict',
  'reset',
  'resource-constraint',
  'internal-server-error',
]
/** Of one that was revoked. */
const REVOKED = 'not-authorized'

export class Device {
  readonly name: string
  /** Localpart of its account. */
  readonly account: string
  readonly traits: Traits
  /** Whether it connects again after a loss. */
  wanted = false
  /** Does not acknowledge for the time being. */
  mute = false
  /** Since when it has been registered, in milliseconds since the epoch. */
  registeredSince: number | undefined
  carbonsSince: number | undefined
  /**
   * It was registered and had not taken over the account's queue when the relay was started again: up to where that
   * queue is its to take nobody knows any more, and messages with a lower number may be in both of its queues.
   */
  takesTwiceBelow = 0
  /** Its account's owner has had it forgotten, now or before. */
  revoked = false
  /** How often it has been forgotten: each time it comes back as another one, that has got nothing yet. */
  lives = 0
  /** What the relay calls it. */
  relayId = ''
  boundResource = ''
  phase: Phase = 'offline'
  session: ClientSession | undefined
  readonly #world: DeviceWorld
  #socket: ClientSocket | undefined
  #parser: StreamParser | undefined
  #connection = 0
  #forgottenAt = -1
  /** Messages of a session that is lost, to be sent again. */
  #again: SentMessage[] = []
  #retry: Disposable | undefined
  #scramFirst = ''
  #life = 0
  #authenticated = false

  constructor(world: DeviceWorld, name: string, account: string, traits: Traits) {
    this.#world = world
    this.name = name
    this.account = account
    this.traits = traits
  }

  get bare(): string {
    return `${this.account}@localhost`
  }

  get awaitsAcknowledgement(): boolean {
    return this.#again.length > 0 || (this.session?.unacknowledged.length ?? 0) > 0
  }

  wasForgottenSince(ms: number): boolean {
    return this.#forgottenAt >= ms
  }

  /** Up to now its session may have been given messages, which went with it. */
  revocationEnded(): void {
    this.#forgottenAt = this.#world.clock.now()
  }

  /** The relay does not know it any more. */
  forgotten(): void {
    this.registeredSince = undefined
    this.carbonsSince = undefined
    this.lives++
    this.#forgottenAt = this.#world.clock.now()
  }

  connect(): void {
    this.#retry?.[Symbol.dispose]()
    this.#retry = undefined
    if (this.phase !== 'offline') return
    const connection = ++this.#connection
    const mine = () => connection === this.#connection
    this.#parser = this.#newParser(mine)
    this.#authenticated = false
    this.phase = 'negotiating'
    const socket = this.#world.connect(this, {
      received: (bytes) => mine() && this.#read(bytes),
      closed: () => mine() && this.#lost('closed by the peer'),
    })
    if (!socket) return this.#lost('refused')
    this.#say('connects')
    this.#socket = socket
    this.#openStream()
    this.#world.clock.after(PATIENCE_MS, () => {
      if (mine() && this.phase !== 'up' && this.phase !== 'offline') this.drop(true, 'lost patience')
    })
  }

  #newParser(mine: () => boolean): StreamParser {
    const only = (task: () => void) => mine() && task()
    return new StreamParser(
      {
        onHeader: () => undefined,
        onElement: (element) => only(() => this.#onElement(element)),
        onClose: () => only(() => this.#onStreamClosed()),
      },
      1024 * 1024,
    )
  }

  #read(bytes: Buffer): void {
    try {
      this.#parser?.write(bytes)
    } catch (error) {
      if (error instanceof Violation) throw error
      throw new Violation(this.#world.trace, `unreadable stream: ${String(error)}`, [this.name])
    }
  }

  /** The connection breaks; the relay hears of it at once, or only when it asks. */
  drop(noticed: boolean, why: string): void {
    if (this.phase === 'offline') return
    this.#socket?.abort(noticed)
    this.#lost(why)
  }

  /** Goes away as a client that is closed by its user (RFC 6120 §4.4). */
  close(): void {
    this.wanted = false
    if (this.phase !== 'up') return this.drop(true, 'closed')
    this.#say('closes its stream')
    this.#write('</stream:stream>')
    this.phase = 'closing'
    const connection = this.#connection
    this.#world.clock.after(PATIENCE_MS, () => {
      if (connection === this.#connection) this.drop(true, 'closed')
    })
  }

  /** The program is killed: it keeps its messages, but not its session. */
  kill(): void {
    this.drop(true, 'killed')
    this.#giveUpSession()
  }

  freeze(frozen: boolean): void {
    this.#socket?.freeze(frozen)
  }

  read(reading: boolean): void {
    this.#socket?.read(reading)
  }

  /** A new message; nothing is sent while it is not signed in. */
  send(
    account: string,
    resource: string | undefined,
    ttlSeconds: number | undefined,
    lifeSeconds: number,
  ): void {
    if (this.phase !== 'up') return
    const obliged = this.#world.obliged(this, account, resource)
    const message = this.#world.ledger.create(this, this.session, {
      account,
      obliged,
      ttlSeconds: Math.min(ttlSeconds ?? Infinity, lifeSeconds),
    })
    const to = resource === undefined ? `${account}@localhost` : `${account}@localhost/${resource}`
    this.#xml.set(message, messageXml(to, message.id, ttlSeconds))
    this.#transmit(message)
  }

  readonly #xml = new Map<SentMessage, string>()

  #transmit(message: SentMessage): void {
    message.transmissions++
    if (!this.#isRecognised(message)) message.attempts++
    this.#say(`sends ${message.id} to ${message.account}${message.transmissions > 1 ? ' again' : ''}`)
    const xml = this.#xml.get(message) ?? ''
    const delayed = message.transmissions > 1 && this.#world.random.chance(0.5)
    this.#stanza(delayed ? xml.replace('</message>', `${DELAY}</message>`) : xml, message)
  }

  /** What this very device has sent before to this very process (XEP-0198 §5, R26). */
  #isRecognised(message: SentMessage): boolean {
    const { relayLife } = this.#world
    const known = this.traits.resource !== undefined && this.session?.counting === true
    const now = known && relayLife !== undefined ? `${relayLife} ${this.relayId}` : undefined
    const before = this.#sentIn.get(message)
    this.#sentIn.set(message, now)
    return now !== undefined && before === now
  }

  /** Life of the relay, and what that called the device, when it last sent a message. */
  readonly #sentIn = new Map<SentMessage, string | undefined>()

  /** Asks for the relay's count (XEP-0198 §4). */
  ask(): void {
    if (this.phase === 'up' && this.session?.counting) this.#write(`<r xmlns='${NS_SM}'/>`)
  }

  available(available: boolean): void {
    if (this.phase !== 'up') return
    this.#say(available ? 'is available' : 'is unavailable')
    this.#stanza(available ? '<presence/>' : `<presence type='unavailable'/>`)
  }

  #openStream(): void {
    this.#write(
      `<?xml version='1.0'?><stream:stream xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAM}' to='localhost' version='1.0'>`,
    )
  }

  #onElement(element: Element): void {
    if (element.is('features', NS_STREAM)) return this.#onFeatures()
    if (element.is('error', NS_STREAM)) return this.#onStreamError(element)
    if (element.ns === NS_SASL) return this.#onSasl(element)
    if (element.ns === NS_SM) return this.#onStreamManagement(element)
    this.#onStanza(element)
  }

  #onFeatures(): void {
    if (!this.#authenticated) {
      this.#scramFirst = clientFirst(this.account, this.#world.random.token(12))
      this.#write(`<auth xmlns='${NS_SASL}' mechanism='SCRAM-SHA-256'>${base64(this.#scramFirst)}</auth>`)
      return
    }
    const { session } = this
    if (session?.previd === undefined) return this.#bind()
    this.#say(`resumes with ${session.received}`)
    this.#write(`<resume xmlns='${NS_SM}' previd='${session.previd}' h='${session.received}'/>`)
  }

  /** The relay took the count of `<resume/>`. */
  resumptionTaken(): void {
    if (this.session) this.session.acknowledgedUpTo = this.session.received
  }

  #onSasl(element: Element): void {
    if (element.name === 'challenge') {
      const final = clientFinal(this.#scramFirst, Buffer.from(element.text(), 'base64').toString())
      this.#write(`<response xmlns='${NS_SASL}'>${base64(final)}</response>`)
    } else if (element.name === 'success') {
      this.#authenticated = true
      this.#parser?.restart()
      this.#openStream()
    } else this.drop(true, `sign-in failed: ${element.elements()[0]?.name ?? ''}`)
  }

  #bind(): void {
    this.#giveUpSession()
    this.phase = 'binding'
    this.#life = this.lives
    const { resource } = this.traits
    const wanted = resource === undefined ? '' : `<resource>${resource}</resource>`
    this.#write(
      `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wanted}</bind></iq>`,
    )
  }

  #onBound(jid: string): void {
    this.boundResource = jid.split('/')[1] ?? ''
    this.#say(`is bound`)
    if (this.#world.isRegistered(this)) this.registeredSince ??= this.#world.clock.now()
    this.session = new ClientSession()
    this.session.life = this.#life
    this.session.tracked = this.#world.isRegistered(this)
    this.phase = 'up'
    if (!this.traits.streamManagement) return this.#start()
    this.#write(`<enable xmlns='${NS_SM}'${this.traits.resumes ? ` resume='true'` : ''}/>`)
    this.session.counting = true
    if (this.traits.pipelines) this.#start()
  }

  /** What follows sign-in; what a lost session leaves behind comes before anything new. */
  #start(): void {
    if (this.traits.carbons) this.#stanza(`<iq type='set' id='carbons'><enable xmlns='${NS_CARBONS}'/></iq>`)
    this.#stanza('<presence/>')
    const again = this.#again
    this.#again = []
    for (const message of again) this.#transmit(message)
  }

  #onStreamManagement(element: Element): void {
    const { session } = this
    if (!session) return
    switch (element.name) {
      case 'enabled':
        session.previd = element.attrs['id']
        session.received = 0
        session.enabled = true
        if (!this.traits.pipelines) this.#start()
        return
      case 'resumed':
        return this.#onResumed(session, Number(element.attrs['h']))
      case 'failed':
        this.#say(`may not resume`)
        if (session.resumableUntilMs > this.#world.clock.now() && !this.revoked)
          throw new Violation(this.#world.trace, 'may not resume after a clean stop', [this.name])
        if (element.attrs['h'] !== undefined) this.#onCount(session, Number(element.attrs['h']))
        return this.#bind()
      case 'a':
        return this.#onCount(session, Number(element.attrs['h']))
      case 'r':
        return this.#acknowledgeSoon(session)
    }
  }

  #onResumed(session: ClientSession, h: number): void {
    this.#say(`is resumed, h=${h}`)
    session.resumableUntilMs = 0
    this.phase = 'up'
    this.#onCount(session, h)
    // XEP-0198 §5: what the relay has not counted is sent again, and counted then.
    const rest = session.unacknowledged
    session.unacknowledged = []
    session.sent = session.h
    for (const { xml, message } of rest) {
      if (message) this.#transmit(message)
      else this.#stanza(xml)
    }
  }

  #onCount(session: ClientSession, h: number): void {
    const count = h - session.h
    if (count < 0 || count > session.unacknowledged.length)
      throw new Violation(this.#world.trace, `h=${h} after ${session.h} of ${session.sent}`, [this.name])
    session.h = h
    for (const { message } of session.unacknowledged.splice(0, count)) {
      if (!message) continue
      message.acknowledged = true
      this.#say(`knows ${message.id} safe`)
    }
  }

  #onStanza(stanza: Element): void {
    if (stanza.is('iq', NS_CLIENT) && stanza.attrs['id'] === 'bind' && this.phase === 'binding') {
      const jid = stanza.elements()[0]?.elements()[0]?.text()
      if (stanza.attrs['type'] !== 'result' || jid === undefined) return this.drop(true, 'not bound')
      return this.#onBound(jid)
    }
    const { session } = this
    if (!session || this.phase === 'binding' || this.phase === 'negotiating')
      throw new Violation(this.#world.trace, `${stanza.name} before there is a session`, [this.name])
    const place = ++session.received
    if (stanza.name === 'message') this.#onMessage(stanza, session, place)
    else if (stanza.name === 'iq') this.#onIq(stanza, session)
  }

  #onMessage(stanza: Element, session: ClientSession, place: number): void {
    const { type, id = '' } = stanza.attrs
    if (type === 'error') return this.#onError(stanza, id)
    const copy = stanza.child('received', NS_CARBONS) ?? stanza.child('sent', NS_CARBONS)
    const inner = copy?.child('forwarded', NS_FORWARD)?.child('message', NS_CLIENT) ?? stanza
    const innerId = inner.attrs['id'] ?? ''
    this.#say(`has ${innerId}${copy ? ` (${copy.name})` : ''} as ${place}`)
    if (session.tracked || !copy) this.#world.ledger.arrived(this, innerId, session, place)
    if (this.#world.random.chance(0.1)) this.#acknowledgeSoon(session)
  }

  #onError(stanza: Element, id: string): void {
    const condition = stanza.child('error')?.elements()[0]?.name ?? ''
    const message = this.#world.ledger.messages.get(id)
    this.#say(`hears that ${id} failed: ${condition}`)
    if (message?.sender !== this) throw new Violation(this.#world.trace, `error for ${id}`, [this.name])
    message.refused = condition
  }

  #onIq(stanza: Element, session: ClientSession): void {
    const { type, id = '', from = '' } = stanza.attrs
    if (type === 'result' && id === 'carbons') this.carbonsSince ??= this.#world.clock.now()
    if (type !== 'get' && type !== 'set') return
    const upTo = session.received
    this.#later(() => {
      if (session !== this.session || this.phase !== 'up') return
      this.#stanza(`<iq type='result' id='${id}' to='${from}'/>`, undefined, () => {
        if (!session.counting) session.acknowledgedUpTo = Math.max(session.acknowledgedUpTo, upTo)
      })
    })
  }

  #acknowledgeSoon(session: ClientSession): void {
    if (!this.mute) this.#later(() => this.acknowledge(session))
  }

  acknowledge(session = this.session): void {
    if (!session?.enabled || session !== this.session || this.phase !== 'up') return
    const count = session.received
    this.#say(`acknowledges ${count}`)
    this.#write(`<a xmlns='${NS_SM}' h='${count}'/>`, () => {
      session.acknowledgedUpTo = Math.max(session.acknowledgedUpTo, count)
    })
  }

  #later(task: () => void): void {
    const { clock, random } = this.#world
    if (random.chance(0.5)) return task()
    const connection = this.#connection
    clock.after(random.fraction() * this.traits.ackDelayMs, () => {
      if (connection === this.#connection) task()
    })
  }

  #onStreamError(element: Element): void {
    const condition = element.elements()[0]?.name ?? ''
    if (!EXPECTED_ENDS.includes(condition) && !(condition === REVOKED && this.revoked))
      throw new Violation(this.#world.trace, `stream error ${condition}`, [this.name])
    this.#say(`stream error ${condition}`)
  }

  #onStreamClosed(): void {
    if (this.phase === 'closing') this.#giveUpSession()
    else this.#write('</stream:stream>')
    this.#socket?.end()
    this.#lost('stream closed')
  }

  #lost(why: string): void {
    this.#say(why)
    this.#connection++
    this.#socket = undefined
    this.phase = 'offline'
    const { clock, random } = this.#world
    if (!this.wanted) return
    this.#retry?.[Symbol.dispose]()
    const wait = random.chance(0.5) ? random.int(0, 200) : random.int(0, 20_000)
    this.#retry = clock.after(wait, () => this.wanted && this.connect())
  }

  /** What was not acknowledged will be sent again in another session, with the same ids. */
  #giveUpSession(): void {
    const rest = this.session?.unacknowledged ?? []
    for (const { message } of rest) if (message) this.#again.push(message)
    this.session = undefined
  }

  #stanza(xml: string, message?: SentMessage, arrived?: () => void): void {
    const { session } = this
    if (session?.counting) {
      session.sent++
      session.unacknowledged.push({ xml, message })
    }
    this.#write(xml, () => {
      arrived?.()
      if (message) message.lastArrivedMs = this.#world.clock.now()
    })
  }

  #write(xml: string, arrived?: () => void): void {
    this.#socket?.send(xml, arrived)
  }

  #say(what: string): void {
    this.#world.trace.add(this.name, what)
  }
}

/** An OMEMO message (XEP-0384 0.3) as its server sees it. */
function messageXml(to: string, id: string, ttlSeconds: number | undefined): string {
  const expire =
    ttlSeconds === undefined ? '' : `<expire xmlns='urn:sealpost:expire:0' seconds='${ttlSeconds}'/>`
  return (
    `<message to='${to}' type='chat' id='${id}'><encrypted xmlns='eu.siacs.conversations.axolotl'>` +
    `<header sid='1'><key rid='2'>${'QUFB'.repeat(12)}</key><iv>AAAAAAAAAAAAAAAA</iv></header>` +
    `<payload>c2VhbGVk</payload></encrypted>${expire}</message>`
  )
}

const DELAY = `<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>`

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

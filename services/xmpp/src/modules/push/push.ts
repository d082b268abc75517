/**
 * XEP-0357 Push Notifications: a device says which push service can wake it, and is woken when messages wait for it and it is not here (wake-ups.ts). A notification says
 * nothing: neither from whom, nor what, nor how many. Push services are external components; one that refuses is not asked again. Left out: the summary form (§7), and
 * push to domains that nobody here speaks for.
 */
import { Priority } from '@sealpost/hooks'
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import type { AccountsDomain } from '@sealpost/accounts'
import { type Element, element, NS_DATA, NS_PUBSUB, NS_PUSH, StanzaError } from '@sealpost/stanza'
import {
  defineModule,
  type IqRequest,
  type Module,
  type ModuleHost,
  type OutboundMessage,
  type Session,
  Turns,
} from '../../core/module.ts'
import type { Delivery } from '../../delivery/delivery.ts'
import { ACCOUNT_QUEUE } from '../../delivery/device-registry.ts'
import type { QueueKey } from '../../delivery/sealed-store/sealed-store.ts'
import type { XmppEvents } from '../../events.ts'
import type { PushRegistration, PushRegistry, PushTarget } from './push-registry.ts'
import type { PushDevice } from './store.ts'
import { type WakeOutcome, type WakeUpLimits, wakeUpLimits, WakeUps } from './wake-ups.ts'

/** Push services of one device. */
const SERVICES_MAX = 3
/** Bytes of a registration, as JSON. */
const TARGET_BYTES_MAX = 4_096
const OPTIONS_MAX = 16
const FORM_PUBLISH_OPTIONS = `${NS_PUBSUB}#publish-options`
/** Devices looked at together after a restart. */
const PAGE = 500

const refuse = {
  malformed: () => new StanzaError('modify', 'bad-request'),
  jid: () => new StanzaError('modify', 'jid-malformed'),
  /** People and we are no push services. */
  notAService: () => new StanzaError('modify', 'not-acceptable', 'Not a push service'),
  notFound: () => new StanzaError('cancel', 'remote-server-not-found'),
  tooBig: () => new StanzaError('modify', 'not-acceptable', 'The registration is too big'),
  tooMany: () => new StanzaError('wait', 'resource-constraint', 'The device has too many push services'),
} as const

export interface PushOptions {
  readonly push: PushRegistry
  readonly delivery: Delivery
  readonly accounts: Pick<AccountsDomain, 'findById'>
  readonly events: XmppEvents
  readonly wakeUps: Partial<WakeUpLimits>
  /** Whether there is any push service that could be enabled: clients tell their users when it fails. */
  readonly hasComponents: boolean
}

export function push(options: PushOptions): Module {
  return defineModule({
    name: 'push',
    implements: ['XEP-0357 0.4.1'],
    depends: ['message'],
    setup(host) {
      const desk = new PushDesk(host, options)
      if (options.hasComponents) host.accountFeature(NS_PUSH) // XEP-0357 §4.1
      host.onIq('set', { to: ['self'], namespace: NS_PUSH, name: 'enable' }, (request) =>
        desk.enable(request),
      )
      host.onIq('set', { to: ['self'], namespace: NS_PUSH, name: 'disable' }, (request) =>
        desk.disable(request),
      )
      host.hook('queue/waiting', ({ queue }) => desk.wakeUps.waiting(queue))
      // Before others, which may take their time: what comes meanwhile, when the session may be gone again, wakes anew.
      host.hook('presence/available', ({ session }) => desk.isHere(session), Priority.filter)
      host.hook('session/resumed', ({ session }) => desk.isHere(session), Priority.filter)
      host.hook('message/foreign', (message) => desk.takenBack(message))
      host.hook('device/signed-out', ({ accountId, identity }) =>
        options.push.removeDevice(accountId, identity),
      )
      host.hook('account/erase', ({ accountId }) => options.push.erase(accountId))
      host.use(desk.wakeUps)
      host.spawn(desk.resume())
    },
  })
}

class PushDesk {
  readonly wakeUps: WakeUps
  readonly #host: ModuleHost
  readonly #options: PushOptions
  readonly #turns = new Turns()

  constructor(host: ModuleHost, options: PushOptions) {
    const { delivery } = options
    this.#host = host
    this.#options = options
    this.wakeUps = new WakeUps({
      clock: host.clock,
      random: host.random,
      limits: { ...wakeUpLimits, ...options.wakeUps },
      hasWaiting: (key) => delivery.hasWaiting(key),
      takers: (key) => delivery.takers(key),
      wake: (key) => this.#wake(key),
      spawn: (task) => host.spawn(task),
    })
  }

  /** XEP-0357 §5 */
  enable({ session, query }: IqRequest): Promise<undefined> {
    const service = this.#serviceOf(query)
    const target = {
      service: service.toString(),
      node: query.attrs['node'] ?? '',
      options: readOptions(query),
    }
    if (Buffer.byteLength(JSON.stringify(target)) > TARGET_BYTES_MAX) throw refuse.tooBig()
    const { account, queues } = session
    return this.#turns.take(account.id, async () => {
      const others = (await this.#options.push.ofAccount(account.id)).filter(
        (each) => each.deviceId === queues.device.id && each.service !== target.service,
      )
      if (others.length >= SERVICES_MAX) throw refuse.tooMany()
      await this.#options.push.put(account.id, queues.device.id, target)
      this.wakeUps.forget(queues.own)
      return undefined
    })
  }

  #serviceOf(query: Element): Jid {
    const jid = readJid(query)
    if (this.#host.domains.includes(jid.domain)) throw refuse.notAService()
    if (!this.#host.destinations.find(jid.domain)) throw refuse.notFound()
    return jid
  }

  /** XEP-0357 §6 */
  disable({ session, query }: IqRequest): Promise<undefined> {
    const service = readJid(query).toString()
    return this.#turns.take(session.account.id, async () => {
      await this.#options.push.remove(session.account.id, service, query.attrs['node'])
      return undefined
    })
  }

  /** The device takes what waits. */
  isHere(session: Session): undefined {
    const { own, inherited } = session.queues
    if (!session.receivesMessages) return undefined
    this.wakeUps.forget(own)
    if (inherited) this.wakeUps.forget(inherited)
    return undefined
  }

  /** XEP-0357 §8: the service publishes nothing for the node any more. */
  async takenBack({ sender, stanza, to }: OutboundMessage): Promise<true | undefined> {
    const pubsub = stanza.child('pubsub', NS_PUBSUB)
    const affiliation = pubsub?.child('affiliation')
    if (!pubsub || !affiliation) return undefined
    const account = await this.#host.accounts.find(to)
    if (account && affiliation.attrs['affiliation'] === 'none')
      await this.#options.push.remove(account.id, sender.jid.toString(), pubsub.attrs['node'] ?? '')
    return true
  }

  /** Whoever has something waiting, when nobody knows any more whether they were told. */
  async resume(): Promise<void> {
    let last: PushDevice | undefined
    for (;;) {
      const page = await this.#options.push.devices(last, PAGE)
      for (const device of page) this.wakeUps.resume(queueOf(device))
      last = page.at(-1)
      if (page.length < PAGE) return
    }
  }

  async #wake(key: QueueKey): Promise<WakeOutcome> {
    const { push: registry, accounts } = this.#options
    const registrations = await registry.ofAccount(key.account)
    const targets = registrations.filter((each) => queueOf(each).device === key.device)
    const account = targets.length === 0 ? undefined : await accounts.findById(key.account)
    if (account?.state !== 'active') return 'done'
    const outcomes = await Promise.all(targets.map((target) => this.#publish(account.jid, target)))
    return outcomes.includes('later') ? 'later' : 'done'
  }

  /** XEP-0357 §7, §7.1: what is not refused for good is tried again. */
  async #publish(from: Jid, target: PushRegistration): Promise<WakeOutcome> {
    const { push: registry, events } = this.#options
    try {
      await this.#host.requestAway(from, parseJid(target.service), notification(target))
      events.pushed('taken')
      return 'done'
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      const isFinal = error.type !== 'wait' && error.condition !== 'remote-server-not-found'
      events.pushed(isFinal ? 'refused' : 'later')
      if (!isFinal) return 'later'
      await registry.remove(target.accountId, target.service, target.node)
      return 'done'
    }
  }
}

function queueOf({ accountId, deviceId, registered }: PushDevice): QueueKey {
  return { account: accountId, device: registered ? deviceId : ACCOUNT_QUEUE }
}

function notification({ node, options }: PushTarget): Element {
  const item = element('item', NS_PUBSUB, {}, element('notification', NS_PUSH))
  const publish = element('publish', NS_PUBSUB, { node: node === '' ? undefined : node }, item)
  if (options.length === 0) return element('pubsub', NS_PUBSUB, {}, publish)
  const form = element(
    'x',
    NS_DATA,
    { type: 'submit' },
    field('FORM_TYPE', [FORM_PUBLISH_OPTIONS]),
    ...options.map(([name, values]) => field(name, values)),
  )
  return element('pubsub', NS_PUBSUB, {}, publish, element('publish-options', NS_PUBSUB, {}, form))
}

function field(name: string, values: readonly string[]): Element {
  const list = values.map((value) => element('value', NS_DATA, {}, value))
  return element('field', NS_DATA, { var: name }, ...list)
}

function readJid(query: Element): Jid {
  const { jid } = query.attrs
  if (jid === undefined || jid === '') throw refuse.malformed()
  try {
    return parseJid(jid)
  } catch (error) {
    throw error instanceof JidError ? refuse.jid() : error
  }
}

/** XEP-0357 §5: what the service wants to see with each request. */
function readOptions(query: Element): PushTarget['options'] {
  const form = query.child('x', NS_DATA)
  if (!form) return []
  const fields = form.childrenNamed('field')
  if (fields.length > OPTIONS_MAX) throw refuse.tooBig()
  const options = fields.map((each): PushTarget['options'][number] => {
    const name = each.attrs['var']
    if (name === undefined) throw refuse.malformed()
    return [name, each.childrenNamed('value').map((value) => value.text())]
  })
  const [type] = options.find(([name]) => name === 'FORM_TYPE')?.[1] ?? []
  if (type !== FORM_PUBLISH_OPTIONS) throw refuse.malformed()
  return options.filter(([name]) => name !== 'FORM_TYPE')
}

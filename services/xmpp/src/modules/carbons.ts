/**
 * XEP-0280 Message Carbons: a device sees what its siblings send and receive. Copies are tracked and kept per
 * device like any message, also for a device that is away and asked for carbons when it was last here.
 */
import { element, type Element, NS_CARBONS, NS_CARBONS_RULES, NS_CLIENT, NS_FORWARD } from '@sealpost/stanza'
import {
  type AccountRef,
  chain,
  type DeliveredMessage,
  defineModule,
  type Module,
  type ModuleHost,
  type PassedMessage,
  type Session,
} from '../core/module.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { AccountQueues, DeviceRegistry } from '../delivery/device-registry.ts'

declare module '../core/session.ts' {
  interface SessionData {
    carbons?: boolean
  }
  interface SavedData {
    carbons?: boolean
  }
}

export interface CarbonsOptions {
  readonly delivery: Delivery
  readonly devices: DeviceRegistry
}

export const carbons = (options: CarbonsOptions): Module =>
  defineModule({
    name: 'carbons',
    implements: ['XEP-0280 1.0.1', 'XEP-0297 1.0'],
    depends: ['message'],
    setup(host) {
      host.feature(NS_CARBONS)
      host.feature(NS_CARBONS_RULES)
      for (const name of ['enable', 'disable'] as const) {
        host.onIq('set', { to: ['self', 'host'], namespace: NS_CARBONS, name }, async ({ session }) => {
          const wanted = name === 'enable' // XEP-0280 §4, §5
          session.data.carbons = wanted
          await options.devices.setCarbons(session.account, session.queues.device, wanted)
          return undefined
        })
      }
      host.hook('bind2/features', ({ features }) => void features.push(NS_CARBONS))
      host.hook('bind2/bound', ({ session, request }) => {
        if (!request.child('enable', NS_CARBONS)) return undefined
        session.data.carbons = true // XEP-0386 §3.2
        host.spawn(options.devices.setCarbons(session.account, session.queues.device, true))
        return undefined
      })
      host.hook(
        'session/save',
        ({ session, saved }) => void Object.assign(saved, { carbons: session.data.carbons }),
      )
      host.hook('session/restored', ({ session, saved }) => {
        if (saved.carbons !== undefined) session.data.carbons = saved.carbons
      })
      host.hook('message/delivered', (event) => copy(host, options, event))
      host.hook('message/passed', (event) => copyNow(host, event))
    },
  })

/** XEP-0280 §6.1: chat, and normal messages that carry ciphertext; the policy took out what must not be copied. */
function isEligible({ handling, stanza }: PassedMessage): boolean {
  return handling?.copied === true && !stanza.child('private', NS_CARBONS)
}

/** What is kept for nobody is copied to who is here. */
function copyNow(host: ModuleHost, event: PassedMessage): undefined {
  if (!isEligible(event)) return undefined
  const { session: sender, recipient, direct, stanza } = event
  const copies = (kind: Wrapper, owner: AccountRef, except: readonly (Session | undefined)[]) => {
    for (const session of host.sessions.others(owner.jid, except))
      if (session.data.carbons && session.stream) session.sendUnkept(wrap(kind, owner, stanza))
  }
  if (direct && recipient) copies('received', recipient, [direct, sender])
  if (sender && recipient?.id !== sender.account.id) copies('sent', sender.account, [sender])
  return undefined
}

function copy(host: ModuleHost, options: CarbonsOptions, event: DeliveredMessage) {
  if (!isEligible(event)) return undefined
  const { session: sender, recipient } = event
  const received =
    event.direct &&
    recipient &&
    chain(options.devices.queuesOf(recipient), (queues) =>
      fanOut(host, options, event, {
        owner: recipient,
        queues,
        wrapper: 'received',
        except: [event.direct, sender],
      }),
    )
  if (!sender || recipient?.id === sender.account.id) return received
  return chain(received, () =>
    chain(options.devices.queuesOf(sender.account), (queues) =>
      fanOut(host, options, event, { owner: sender.account, queues, wrapper: 'sent', except: [sender] }),
    ),
  )
}

type Wrapper = 'sent' | 'received'

interface FanOut {
  readonly owner: AccountRef
  readonly queues: AccountQueues
  readonly wrapper: Wrapper
  /** Sessions that have the message already. */
  readonly except: readonly (Session | undefined)[]
}

function fanOut(
  host: ModuleHost,
  { delivery }: CarbonsOptions,
  event: DeliveredMessage,
  target: FanOut,
): undefined {
  const { owner, queues, except } = target
  const isExcepted = (id: string) => except.some((session) => session?.queues.device.id === id)
  const others = queues.registered.filter(({ device }) => !isExcepted(device.id))
  const sessions = host.sessions.others(owner.jid, except)
  if (others.length === 0 && sessions.length === 0) return undefined
  let queued: DeliveredMessage['queued'] | undefined
  const wrapped = () =>
    (queued ??= {
      ...event.queued,
      xml: wrap(target.wrapper, owner, event.stanza).toString(),
      wakes: event.queued.wakes && target.wrapper === 'received', // nobody is woken by what they sent themselves
    })
  for (const { device, key } of others) {
    const session = sessions.find((each) => each.queues.device.id === device.id)
    // Until a session has said what it wants, its device is treated as when it was away: or copies would be missing.
    const wanted = session?.data.carbons ?? device.carbons
    if (!wanted) continue
    if (event.queued.kept && delivery.isFull(key)) void host.fire('queue/overrun', { queue: key })
    else delivery.deliver(key, wrapped(), event.outcome)
  }
  for (const session of sessions) {
    if (!session.queues.device.registered && session.data.carbons) {
      if (event.queued.kept) session.send(wrapped().xml)
      else session.sendUnkept(wrapped().xml)
    }
  }
  return undefined
}

/** XEP-0280 §6, §7: from the owner's bare JID. */
function wrap(kind: Wrapper, owner: AccountRef, stanza: Element): Element {
  const bare = owner.jid.toString()
  const attrs = { from: bare, to: bare, type: stanza.attrs['type'] }
  return element(
    'message',
    NS_CLIENT,
    attrs,
    element(kind, NS_CARBONS, {}, element('forwarded', NS_FORWARD, {}, stanza)),
  )
}

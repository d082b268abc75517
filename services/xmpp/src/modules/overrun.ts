/**
 * A device whose queue was full while others of its account could still take messages has missed some. When it
 * returns it is told, once, by a headline with `<overrun/>` (docs: what clients should know).
 */
import type { MaybePromise } from '@sealpost/runtime'
import { element, type Element, NS_CLIENT, NS_OVERRUN } from '@sealpost/stanza'
import { chain, defineModule, type Module, type ModuleHost, type Session } from '../core/module.ts'
import type { DeviceRegistry } from '../delivery/device-registry.ts'

declare module '../core/session.ts' {
  interface SessionData {
    /** The session has been told of its device's overrun and has not acknowledged it yet. */
    overrunTold?: boolean
  }
  interface SavedData {
    overrunTold?: boolean
  }
}

export interface OverrunOptions {
  readonly devices: DeviceRegistry
}

const TEXT = 'Messages for this device could not be kept: its queue on the server was full.'

export const overrun = ({ devices }: OverrunOptions): Module =>
  defineModule({
    name: 'overrun',
    implements: [],
    depends: ['message'],
    setup(host) {
      host.hook('queue/overrun', ({ queue }) => {
        host.spawn(devices.overrun(queue))
        return undefined
      })
      host.hook('presence/available', ({ session }) => tell(host, devices, session))
      host.hook('session/resumed', ({ session }) => tell(host, devices, session))
      host.hook('session/save', ({ session, saved }) => {
        if (session.data.overrunTold === true) saved.overrunTold = true
      })
      host.hook('session/restored', ({ session, saved }) => {
        if (saved.overrunTold === true) awaitAcknowledgement(host, devices, session)
      })
    },
  })

/** The mark is taken away when the device has acknowledged the headline. */
function tell(host: ModuleHost, devices: DeviceRegistry, session: Session): MaybePromise<undefined> {
  if (!session.receivesMessages || session.data.overrunTold === true) return undefined
  const { device } = session.queues
  return chain(devices.isOverrun(session.account, device), (marked) => {
    if (!marked || session.closed || session.data.overrunTold === true) return undefined
    session.send(headline(session))
    awaitAcknowledgement(host, devices, session)
    return undefined
  })
}

function awaitAcknowledgement(host: ModuleHost, devices: DeviceRegistry, session: Session): void {
  session.data.overrunTold = true
  session.outbox.whenAcknowledged(() => {
    session.data.overrunTold = false
    host.spawn(devices.overrunTold(session.account, session.queues.device))
  })
}

function headline(session: Session): Element {
  const attrs = { type: 'headline', from: session.jid.domain, to: session.jidText }
  return element(
    'message',
    NS_CLIENT,
    attrs,
    element('body', NS_CLIENT, {}, TEXT),
    element('overrun', NS_OVERRUN),
  )
}

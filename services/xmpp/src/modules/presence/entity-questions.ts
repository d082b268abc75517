/**
 * XEP-0012 §4: what a device says of itself to whoever asks (its time, how long it has been idle, its program) is asked only by those who may know that it is there. Others are
 * answered as if it were not.
 */
import type { MaybePromise } from '@sealpost/runtime'
import { StanzaError } from '@sealpost/stanza'
import { chain, type ModuleHost, type OutboundStanza, type Provided } from '../../core/module.ts'

/** XEP-0012, XEP-0092, XEP-0202. */
const ABOUT_DEVICES: ReadonlySet<string> = new Set(['jabber:iq:last', 'jabber:iq:version', 'urn:xmpp:time'])

export function checkQuestion(
  { sessions }: ModuleHost,
  roster: Provided['roster'],
  { sender, stanza, to }: OutboundStanza,
): MaybePromise<undefined> {
  if (stanza.attrs['type'] !== 'get' || !ABOUT_DEVICES.has(stanza.elements()[0]?.ns ?? '')) return undefined
  const device = to.resource === '' ? undefined : sessions.find(to)
  if (device === undefined) return undefined
  const { jid } = sender
  const shown = device.data.directedPresence
  if (shown?.has(jid.toString()) === true || shown?.has(jid.bare.toString()) === true) return undefined
  return chain(roster.isSubscriber(device.account, jid), (may) => {
    if (!may) throw new StanzaError('cancel', 'service-unavailable')
    return undefined
  })
}

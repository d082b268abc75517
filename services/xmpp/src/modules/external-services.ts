/**
 * XEP-0215 External Service Discovery: where STUN servers and the TURN relay are, with credentials that say nothing of who asks. Nothing is pushed (XEP-0215 §3.4),
 * since whoever needs credentials asks for them; nothing of who asked is kept.
 */
import { type Element, element, NS_EXTERNAL_SERVICES, StanzaError } from '@sealpost/stanza'
import { asksForCredentials, type TurnCredentials, type TurnRelay, type TurnService } from '@sealpost/turn'
import { defineModule, type Module } from '../core/module.ts'

export interface ExternalServicesOptions {
  /** Undefined: there is none. */
  readonly turn?: TurnRelay
}

export const externalServices = ({ turn }: ExternalServicesOptions): Module =>
  defineModule({
    name: 'external-services',
    implements: ['XEP-0215 1.0.0'],
    setup(host) {
      host.feature(NS_EXTERNAL_SERVICES) // XEP-0215 §4
      const to = ['host'] as const
      host.onIq('get', { to, namespace: NS_EXTERNAL_SERVICES, name: 'services' }, ({ query }) => {
        const { type } = query.attrs // XEP-0215 §3.2
        return answer('services', turn, { type }, (service) => type === undefined || service.type === type)
      })
      host.onIq('get', { to, namespace: NS_EXTERNAL_SERVICES, name: 'credentials' }, ({ query }) => {
        const wanted = wantedService(query)
        const found = answer('credentials', turn, {}, (service) => isWanted(service, wanted))
        if (found.children.length === 0) throw new StanzaError('cancel', 'item-not-found')
        return found
      })
    },
  })

/** XEP-0215 §3.3: one service, by host and type; the port if several share these. */
function wantedService(query: Element): Element {
  const [wanted, ...others] = query.elements()
  const named = wanted?.is('service', NS_EXTERNAL_SERVICES) === true && wanted.attrs['host'] !== undefined
  if (!named || wanted.attrs['type'] === undefined || others.length > 0)
    throw new StanzaError('modify', 'bad-request')
  return wanted
}

function isWanted({ host, type, port }: TurnService, { attrs }: Element): boolean {
  const samePort = attrs['port'] === undefined || attrs['port'] === String(port)
  return attrs['host']?.toLowerCase() === host && attrs['type'] === type && samePort
}

function answer(
  name: 'services' | 'credentials',
  turn: TurnRelay | undefined,
  attrs: Readonly<Record<string, string | undefined>>,
  isAsked: (service: TurnService) => boolean,
): Element {
  const services = (turn?.services ?? []).filter(isAsked)
  const credentials = services.some(asksForCredentials) ? turn?.credentials() : undefined
  const items = services.map((service) => describe(service, credentials))
  return element(name, NS_EXTERNAL_SERVICES, attrs, ...items)
}

function describe(service: TurnService, credentials: TurnCredentials | undefined): Element {
  const { host, port, transport, type } = service
  const at = { host, port: String(port), transport, type }
  if (credentials === undefined || !asksForCredentials(service))
    return element('service', NS_EXTERNAL_SERVICES, at)
  const { username, password, expiresAt } = credentials
  const expires = new Date(expiresAt).toISOString().replace('.000Z', 'Z') // XEP-0082 §3.2
  return element('service', NS_EXTERNAL_SERVICES, { ...at, username, password, expires, restricted: '1' })
}

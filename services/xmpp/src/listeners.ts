/** Where the relay listens for clients, and for external components. */
import type { Platform, RunningService } from '@sealpost/service'
import { Components, openComponentSecrets } from './components/components.ts'
import type { XmppConfig } from './config.ts'
import type { XmppEvents } from './events.ts'
import type { Relay } from './relay.ts'
import { listenTcp, type TcpOptions } from './transports/tcp.ts'

type Listeners = Pick<RunningService, 'addresses'> & AsyncDisposable

export async function listenForClients(
  { port, tlsPort }: XmppConfig,
  { bind, tls, domains: [host = 'localhost'] }: Platform,
  accept: TcpOptions['accept'],
): Promise<Listeners> {
  await using stack = new AsyncDisposableStack()
  const listen = { host: bind, tls, accept }
  const starttls = stack.use(await listenTcp({ ...listen, port, direct: false }))
  const direct = stack.use(await listenTcp({ ...listen, port: tlsPort, direct: true }))
  const owned = stack.move()
  return {
    addresses: [
      { name: 'XMPP (STARTTLS)', url: `xmpp://${host}:${starttls.port}` },
      { name: 'XMPP (direct TLS)', url: `xmpps://${host}:${direct.port}` },
    ],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** XEP-0114; nothing listens when no component is configured. */
export async function listenForComponents(
  { components: { domains, port, networks, secretsDir } }: XmppConfig,
  { bind, tls, clock, random, domains: [host = 'localhost'] }: Platform,
  { relay, events }: { readonly relay: Relay; readonly events: XmppEvents },
): Promise<Listeners> {
  if (domains.length === 0) return { addresses: [], [Symbol.asyncDispose]: () => Promise.resolve() }
  const secrets = await openComponentSecrets(secretsDir, domains, random)
  const route: Relay['routeForeign'] = (sender, stanza) => relay.routeForeign(sender, stanza)
  const components = new Components({ secrets, networks, host, route, clock, random, events })
  for (const domain of domains) relay.destinations.add(domain, components.destination(domain))
  const accept: TcpOptions['accept'] = (connection) => components.accept(connection)
  const listener = await listenTcp({ host: bind, port, direct: false, tls, accept })
  const url = `xmpp://${bind.includes(':') ? `[${bind}]` : bind}:${listener.port}`
  return {
    addresses: [{ name: 'XMPP components', url }],
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  }
}

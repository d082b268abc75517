/**
 * The external components (XEP-0114) of the configuration: who is connected for which domain. What comes for one that is away is answered with
 * `remote-server-timeout` (RFC 6120 §8.3.3.16); presence is dropped. No more is kept for a component than what its socket has not taken yet.
 */
import { join } from 'node:path'
import type { Networks } from '@sealpost/config'
import { OperationalError } from '@sealpost/errors'
import { type Clock, openSecretFile, type Random } from '@sealpost/runtime'
import { type Element, StanzaError } from '@sealpost/stanza'
import type { Destination } from '../core/destinations.ts'
import type { Sender } from '../core/module.ts'
import type { XmppEvents } from '../events.ts'
import type { Connection } from '../transports/connection.ts'
import type { ConnectionHandler } from '../transports/tcp.ts'
import { ComponentStream } from './component-stream.ts'

/** Connections that have not shaken hands yet; more are closed at once. */
const STRANGERS_MAX = 32
const SECRET_BYTES = 32
/** The handshake is over text that XML would write differently: a secret has none of that. */
const SECRET = /^[!#-%(-;=?-~]{16,}$/

/** Reads the secret of each component from a file named after its domain, or makes it. Throws when one is not fit for its use. */
export async function openComponentSecrets(
  directory: string,
  domains: readonly string[],
  random: Random,
): Promise<ReadonlyMap<string, string>> {
  const secrets = new Map<string, string>()
  for (const domain of domains) {
    const secret = await openSecretFile(join(directory, domain), random, () => random.token(SECRET_BYTES))
    if (!SECRET.test(secret))
      throw new OperationalError(
        'COMPONENT_SECRET',
        'The secret of a component must have 16 characters of ASCII at least, and none of < > & \' "',
      )
    secrets.set(domain, secret)
  }
  return secrets
}

export interface ComponentsOptions {
  /** From where components may come. */
  readonly networks: Networks
  readonly secrets: ReadonlyMap<string, string>
  readonly host: string
  readonly route: (sender: Sender, stanza: Element) => Promise<void>
  readonly clock: Clock
  readonly random: Random
  readonly events: XmppEvents
}

export class Components {
  readonly #options: ComponentsOptions
  readonly #connected = new Map<string, ComponentStream>()
  readonly #strangers = new Set<ComponentStream>()

  constructor(options: ComponentsOptions) {
    this.#options = options
  }

  /** Who speaks for the domain, whether it is connected or not. */
  destination(domain: string): Destination {
    const connected = this.#connected
    return {
      get present() {
        return connected.has(domain)
      },
      take: (stanza) => {
        const stream = connected.get(domain)
        if (stream) return stream.take(stanza)
        if (stanza.name !== 'presence') throw new StanzaError('wait', 'remote-server-timeout')
      },
    }
  }

  accept(connection: Connection): ConnectionHandler {
    const { secrets, networks, events } = this.#options
    const stream: ComponentStream = new ComponentStream(connection, {
      ...this.#options,
      secretOf: (domain) => secrets.get(domain),
      isTaken: (domain) => this.#connected.has(domain),
      onConnected: () => {
        this.#strangers.delete(stream)
        this.#connected.set(stream.domain, stream)
        events.componentConnected()
      },
      onGone: () => {
        this.#connected.delete(stream.domain)
        events.componentGone()
      },
      onEnded: () => void this.#strangers.delete(stream),
    })
    if (this.#strangers.size >= STRANGERS_MAX || !networks.include(connection.remoteAddress)) stream.refuse()
    else {
      this.#strangers.add(stream)
      connection.start()
    }
    return stream
  }
}

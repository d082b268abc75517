/** A device that runs the JavaScript library @xmpp/client, with what it has received kept in order. */
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { client, xml, type XmlElement, type XmppClient } from '@xmpp/client'
import { Transcript } from './transcript.ts'

export interface Person {
  readonly username: string
  readonly password: string
  /** Bare address. */
  readonly jid: string
}

export interface DeviceOptions extends Person {
  readonly resource: string
  /** `xmpp://127.0.0.1:PORT` uses STARTTLS, `xmpps://…` direct TLS. */
  readonly service: string
  /** Stay away from the network when the connection is lost, until `connect`. */
  readonly staysAway?: boolean
  /** Sign in, bind and resume as RFC 6120 and XEP-0198 say, as if the library did not know SASL2 (XEP-0388), Bind 2 and FAST. */
  readonly withoutSasl2?: boolean
}

const WAIT_MS = 20_000
export const DOMAIN = 'localhost'
const NS_OMEMO = 'eu.siacs.conversations.axolotl'

/** Makes this process trust the certificates in `caFile`: the library has no option for it. */
export async function trust(caFile: string): Promise<void> {
  setDefaultCACertificates([...getCACertificates('default'), await readFile(caFile, 'utf8')])
}

export class Device {
  readonly options: DeviceOptions
  readonly client: XmppClient
  readonly messages: XmlElement[] = []
  /** SASL mechanism of the last sign-in. */
  mechanism: string | undefined
  readonly #transcript: Transcript
  readonly #waiting = new Set<() => void>()

  constructor(options: DeviceOptions) {
    this.options = options
    const { username, password, resource, service } = options
    this.#transcript = new Transcript(`${username}/${resource}`, [password])
    const userAgent = xml('user-agent', { id: agentId(options) })
    this.client = client({ service, domain: DOMAIN, username, password, resource, userAgent })
    this.client.timeout = WAIT_MS // two seconds otherwise, which is short on a busy machine
    listenBeforeOpening(this.client)
    this.client.streamManagement.requestAckDebounce = 20
    if (options.staysAway) this.client.reconnect.stop()
    this.client.prependListener('element', (element: XmlElement) => {
      this.#transcript.add('<', element.toString())
      if (options.withoutSasl2) hideSasl2(element) // before the library looks at it
    })
    this.client.on('send', (element: XmlElement) => {
      this.#transcript.add('>', element.toString())
      if (/^auth(enticate)?$/.test(element.name)) this.mechanism = element.attrs['mechanism']
    })
    this.client.on('error', (error: Error) => this.#transcript.add('!', error.message))
    this.client.on('stanza', (stanza: XmlElement) => {
      if (stanza.name === 'message') this.messages.push(stanza)
      this.#wake()
    })
    this.client.on('nonza', () => this.#wake())
    this.client.on('status', () => this.#wake())
    this.client.streamManagement.on('ack', () => this.#wake())
  }

  /** Connects, signs in, says that it is available. */
  static async online(options: DeviceOptions): Promise<Device> {
    const device = new Device(options)
    await device.client.start()
    await device.until(() => device.client.streamManagement.enabled, 'stream management')
    await device.client.send(xml('presence'))
    return device
  }

  get tlsProtocol(): string | null | undefined {
    return this.client.socket?.socket?.getProtocol()
  }

  /** Ids of the messages received so far, in order, without chat states and receipts. */
  get ids(): (string | undefined)[] {
    return this.messages
      .filter((message) => message.getChild('encrypted', NS_OMEMO) !== undefined)
      .map((message) => message.attrs['id'])
  }

  /** Sends an OMEMO message with this id; what it says is random. */
  async sendEncrypted(to: string, id: string): Promise<void> {
    await this.client.send(omemoMessage(to, id))
  }

  /** Resolves when `condition` holds, which is looked at whenever something came in. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + WAIT_MS
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(`${this.options.username}/${this.options.resource}: waited in vain for ${what}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, 100)
      this.#waiting.add(resolve)
      await promise
      clearTimeout(timer)
      this.#waiting.delete(resolve)
    }
  }

  /** The server has taken responsibility for all that was sent (XEP-0198). */
  async untilAcknowledged(): Promise<void> {
    await this.until(
      () => this.client.streamManagement.enabled && this.client.streamManagement.outbound_q.length === 0,
      'the acknowledgement',
    )
  }

  /** An answered ping: everything the server sent before it has arrived. */
  async ping(): Promise<void> {
    const id = randomBytes(6).toString('hex')
    await this.client.iqCaller.request(
      xml('iq', { type: 'get', to: DOMAIN, id }, xml('ping', { xmlns: 'urn:xmpp:ping' })),
      10_000,
    )
  }

  /** Cuts the connection without a word, as a dead battery does. */
  cut(): void {
    this.client.socket?.socket?.destroy()
  }

  /** Closes the stream and goes away. */
  async leave(): Promise<void> {
    this.client.reconnect.stop()
    await this.client.stop().catch(() => undefined)
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }
}

/** The same for the same resource of the same person, as an installed program keeps it: a UUID. */
function agentId({ jid, resource }: DeviceOptions): string {
  const hex = createHash('sha256').update(`${jid}/${resource}`).digest('hex')
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')
}

/**
 * COMPAT: @xmpp/client 0.14 waits for the answer to its stream header only after its own write is done, and then in vain where the answer came
 * first.
 */
export function listenBeforeOpening(entity: XmppClient): void {
  const open = entity.open.bind(entity)
  entity.open = async (options) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    entity.once('open', () => resolve())
    await Promise.race([promise, open(options)])
  }
}

function hideSasl2(element: XmlElement): void {
  if (element.getChild('authentication', 'urn:xmpp:sasl:2') === undefined) return
  element.children = element.children.filter(
    (child) => typeof child === 'string' || child.name !== 'authentication',
  )
}

/** A device is known, and gets a queue of its own, at its second sign-in. */
export async function introduce(options: DeviceOptions): Promise<void> {
  for (let signIn = 0; signIn < 2; signIn++) {
    const device = await Device.online(options)
    await device.ping()
    await device.leave()
  }
}

/** What an OMEMO client sends, as far as a server can see. */
export function omemoMessage(
  to: string,
  id: string,
  body = 'I sent you an OMEMO encrypted message.',
): XmlElement {
  const base64 = (bytes: number): string => randomBytes(bytes).toString('base64')
  const key = (rid: number): XmlElement => xml('key', { rid }, base64(60))
  return xml(
    'message',
    { to, id, type: 'chat' },
    xml(
      'encrypted',
      { xmlns: NS_OMEMO },
      xml('header', { sid: 1_234_567 }, key(2_345_678), key(3_456_789), xml('iv', {}, base64(12))),
      xml('payload', {}, base64(48)),
    ),
    xml('encryption', { xmlns: 'urn:xmpp:eme:0', namespace: NS_OMEMO, name: 'OMEMO' }),
    xml('store', { xmlns: 'urn:xmpp:hints' }),
    xml('body', {}, body),
  )
}

/** The part of @xmpp/client (0.14, which brings no types) that the interop tests use. */
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events'
  import type { TLSSocket } from 'node:tls'

  export interface XmlElement {
    readonly name: string
    readonly attrs: Readonly<Record<string, string | undefined>>
    children: readonly (XmlElement | string)[]
    getChild(name: string, namespace?: string): XmlElement | undefined
    getChildText(name: string, namespace?: string): string | null
    toString(): string
  }

  export interface StreamManagement extends EventEmitter {
    readonly enabled: boolean
    readonly id: string
    /** Stanzas sent and not acknowledged. */
    readonly outbound_q: readonly unknown[]
    /** Milliseconds between a stanza and the request to acknowledge it. */
    requestAckDebounce: number
  }

  export interface XmppClient extends EventEmitter {
    readonly streamManagement: StreamManagement
    readonly reconnect: { stop(): void; reconnect(): Promise<void> }
    readonly iqCaller: { request(iq: XmlElement, timeoutMs?: number): Promise<XmlElement> }
    /** The library's wrapper around the socket. */
    readonly socket: { readonly socket: TLSSocket | null } | null
    readonly status: string
    /** Full address once bound. */
    readonly jid: { readonly resource: string } | null
    /** Milliseconds to wait for each answer of the server while connecting. */
    timeout: number
    /** Sends a stream header and waits for that of the server. */
    open(options: object): Promise<unknown>
    start(): Promise<unknown>
    stop(): Promise<unknown>
    disconnect(): Promise<unknown>
    send(element: XmlElement): Promise<void>
    sendMany(elements: readonly XmlElement[]): Promise<void>
  }

  export function client(options: {
    service: string
    domain: string
    resource: string
    username: string
    password: string
    /** Says who the device is (XEP-0388 §2.4); a new one each time unless given. */
    userAgent: XmlElement
  }): XmppClient

  export function xml(
    name: string,
    attributes?: object,
    ...children: readonly (XmlElement | string)[]
  ): XmlElement
}

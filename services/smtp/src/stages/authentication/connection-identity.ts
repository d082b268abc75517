/** What DNS says of a client, asked once for a connection: SPF of each sender (RFC 7208), and whether its address and name agree (RFC 8601 §3). */
import type { SPFResult } from 'mailauth'
import { type EmailAddress, formatAddress } from '@sealpost/mail'
import type { Resolver } from '../../dns/resolver.ts'
import type { Client } from '../../reception/stage.ts'
import { mailauthResolver } from './mailauth-resolver.ts'
import { checkSpf } from './verdict.ts'

export interface ReverseResult {
  readonly result: 'pass' | 'fail' | 'temperror' | 'permerror'
  /** A name of the address that leads back to it. */
  readonly host: string | undefined
}

/** Names of one address that are looked at (RFC 8601 §3). */
const NAMES_MAX = 5

interface Known {
  reverse?: Promise<ReverseResult>
  readonly spf: Map<string, Promise<SPFResult>>
}

export class ConnectionIdentity {
  readonly #resolver: Resolver
  readonly #mta: string
  readonly #known = new WeakMap<Client, Known>()

  /** `mta`: the name of this relay, for comments. */
  constructor(resolver: Resolver, mta: string) {
    this.#resolver = resolver
    this.#mta = mta
  }

  /** For a null reverse-path that of `postmaster@HELO` (RFC 7208 §2.4). Of the last sender only. */
  spf(client: Client, sender: EmailAddress | undefined): Promise<SPFResult> {
    const { spf } = this.#of(client)
    const key = `${client.helo} ${sender === undefined ? '' : formatAddress(sender)}`
    const known = spf.get(key)
    if (known !== undefined) return known
    spf.clear()
    const checking = checkSpf(client, sender, {
      resolver: mailauthResolver(this.#resolver),
      mta: this.#mta,
    })
    spf.set(key, checking)
    return checking
  }

  reverse(client: Client): Promise<ReverseResult> {
    const known = this.#of(client)
    known.reverse ??= this.#checkReverse(client.address)
    return known.reverse
  }

  #of(client: Client): Known {
    const known = this.#known.get(client) ?? { spf: new Map() }
    this.#known.set(client, known)
    return known
  }

  async #checkReverse(address: string): Promise<ReverseResult> {
    const names = await this.#resolver.ptr(address)
    if (names.result === 'failed') return { result: 'temperror', host: undefined }
    if (names.result === 'none') return { result: 'permerror', host: undefined }
    const wanted = canonical(address)
    let failed = false
    for (const host of names.records.slice(0, NAMES_MAX)) {
      const back = await this.#resolver.addresses(host)
      if (back.result === 'found' && back.records.some((found) => canonical(found) === wanted))
        return { result: 'pass', host }
      failed ||= back.result === 'failed'
    }
    return { result: failed ? 'temperror' : 'fail', host: undefined }
  }
}

/** Addresses are compared by what they say, not by how they are written. */
function canonical(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1] ?? address
  return mapped.includes(':') ? new URL(`http://[${mapped.replace(/%.*$/, '')}]`).hostname : mapped
}

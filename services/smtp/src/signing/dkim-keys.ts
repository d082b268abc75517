/**
 * The life of DKIM keys. A domain gets an RSA and an Ed25519 key with its first mail, which sign at once. Rotation makes two more; they sign once both records are
 * found in DNS, and the old private keys are destroyed then. Their records stay published for what is still on its way.
 */
import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { OperationalError } from '@sealpost/errors'
import type { DkimKeyListing, DkimOperations } from '@sealpost/ports'
import type { Clock, Random } from '@sealpost/runtime'
import type { Resolver } from '../dns/resolver.ts'
import { readKeyFile, writeKeyFile } from './dkim-key-file.ts'
import type { DkimKey } from './dkim-key-file.ts'
import type { SigningKey } from './dkim-signature.ts'

export interface DkimKeysOptions {
  readonly dataDir: string
  /** Ours: no other has keys here. */
  readonly domains: readonly string[]
  readonly resolver: Resolver
  readonly clock: Clock
  readonly random: Random
}

const DIRECTORY = 'dkim'
/** RFC 8301 §3.2. */
const RSA_BITS = 2048
/** As long as a mail may be under way (RFC 5321 §4.5.4.1), twice and more. */
const RETIRED_DAYS = 14
const DAY_MS = 24 * 60 * 60 * 1000
const CHECK_MS = 60 * 60 * 1000

const generate = promisify(generateKeyPair)

export class DkimKeys implements DkimOperations, Disposable {
  readonly #options: DkimKeysOptions
  readonly #signing = new Map<string, readonly SigningKey[]>()
  /** Changes of one domain follow one another. */
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #checking: Disposable

  constructor(options: DkimKeysOptions) {
    this.#options = options
    this.#checking = options.clock.every(CHECK_MS, async () => {
      for (const domain of options.domains) await this.advance(domain)
    })
  }

  /** Those that sign now; none when the domain is not ours. */
  async signing(domain: string): Promise<readonly SigningKey[]> {
    const known = this.#signing.get(domain)
    if (known !== undefined) return known
    if (!this.#options.domains.includes(domain)) return []
    return this.#inTurn(domain, async () => {
      const keys = await this.#open(domain)
      const active = keys.flatMap(({ state, selector, algorithm, privateKey }) =>
        state === 'active' && privateKey !== undefined
          ? [{ selector, algorithm, privateKey: createPrivateKey(privateKey) }]
          : [],
      )
      this.#signing.set(domain, active)
      return active
    })
  }

  /** All keys of the domain, and what DNS says of each. Throws DOMAIN_UNKNOWN, as all below. */
  async list(domain: string): Promise<DkimKeyListing[]> {
    const keys = await this.#inTurn(domain, () => this.#open(domain))
    return Promise.all(
      keys.map(async (key) => ({
        selector: key.selector,
        algorithm: key.algorithm,
        state: key.state,
        since: key.since,
        record: key.record,
        name: recordName(key.selector, domain),
        published: await this.#published(key, domain),
      })),
    )
  }

  /** Makes the keys that follow the present ones; if there are some already, they take over at once if DNS has their records. */
  async rotate(domain: string): Promise<DkimKeyListing[]> {
    const made = await this.#inTurn(domain, async () => {
      const keys = await this.#open(domain)
      if (keys.some(({ state }) => state === 'next')) return false
      await this.#write(domain, [...keys, ...(await this.#make('next', keys))])
      return true
    })
    if (!made) await this.advance(domain)
    return this.list(domain)
  }

  /** The next keys take over, if DNS has both records; what was retired long ago is forgotten. By itself every hour. */
  async advance(domain: string): Promise<void> {
    await this.#inTurn(domain, async () => {
      const keys = await readKeyFile(this.#path(domain))
      if (keys === undefined) return
      const next = keys.filter(({ state }) => state === 'next')
      const published = await Promise.all(next.map((key) => this.#published(key, domain)))
      const ready = next.length > 0 && published.every((found) => found === 'yes')
      const changed = keys
        .filter(({ state, since }) => state !== 'retired' || since > this.#day(-RETIRED_DAYS))
        .map((key) => (ready ? this.#advanced(key) : key))
      if (ready || changed.length < keys.length) await this.#write(domain, changed)
    })
  }

  [Symbol.dispose](): void {
    this.#checking[Symbol.dispose]()
  }

  #advanced(key: DkimKey): DkimKey {
    const since = this.#day()
    if (key.state === 'next') return { ...key, state: 'active', since }
    return key.state === 'active' ? { ...key, state: 'retired', since, privateKey: undefined } : key
  }

  async #open(domain: string): Promise<readonly DkimKey[]> {
    const keys = await readKeyFile(this.#path(domain))
    if (keys !== undefined) return keys
    const first = await this.#make('active', [])
    await this.#write(domain, first)
    return first
  }

  async #write(domain: string, keys: readonly DkimKey[]): Promise<void> {
    await writeKeyFile(this.#path(domain), keys, this.#options.random)
    this.#signing.delete(domain)
  }

  async #make(state: 'active' | 'next', present: readonly DkimKey[]): Promise<DkimKey[]> {
    const rsa = await generate('rsa', { modulusLength: RSA_BITS })
    const ed25519 = await generate('ed25519')
    const day = this.#day().replaceAll('-', '')
    const selector = (letter: string): string => {
      const taken = (name: string): boolean => present.some((key) => key.selector === name)
      let name = letter + day
      for (let count = 2; taken(name); count++) name = `${letter}${day}-${String(count)}`
      return name
    }
    const key = (algorithm: DkimKey['algorithm'], privateKey: KeyObject, record: string): DkimKey => ({
      selector: selector(algorithm === 'rsa' ? 'r' : 'e'),
      algorithm,
      state,
      since: this.#day(),
      record,
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    })
    const spki = rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    const raw = Buffer.from(ed25519.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
    return [
      key('rsa', rsa.privateKey, `v=DKIM1; h=sha256; k=rsa; p=${spki}`),
      key('ed25519', ed25519.privateKey, `v=DKIM1; h=sha256; k=ed25519; p=${raw.toString('base64')}`), // RFC 8463 §4
    ]
  }

  async #published(
    key: Pick<DkimKey, 'selector' | 'record'>,
    domain: string,
  ): Promise<DkimKeyListing['published']> {
    const answer = await this.#options.resolver.txt(recordName(key.selector, domain))
    if (answer.result === 'failed') return 'unknown'
    if (answer.result === 'none') return 'no'
    return answer.records.some((record) => publicKeyOf(record) === publicKeyOf(key.record)) ? 'yes' : 'other'
  }

  #inTurn<T>(domain: string, work: () => Promise<T>): Promise<T> {
    if (!this.#options.domains.includes(domain))
      return Promise.reject(new OperationalError('DOMAIN_UNKNOWN', 'The domain is not one of ours'))
    const turn = (this.#turns.get(domain) ?? Promise.resolve()).then(work, work)
    this.#turns.set(domain, turn)
    return turn
  }

  #path(domain: string): string {
    return join(this.#options.dataDir, DIRECTORY, `${domain}.json`)
  }

  #day(offset = 0): string {
    return new Date(this.#options.clock.now() + offset * DAY_MS).toISOString().slice(0, 10)
  }
}

function recordName(selector: string, domain: string): string {
  return `${selector}._domainkey.${domain}`
}

/** The value of `p=`, blanks taken out (RFC 6376 §3.6.1). */
function publicKeyOf(record: string): string | undefined {
  return /(?:^|;)\s*p\s*=([^;]*)/.exec(record)?.[1]?.replaceAll(/\s/g, '')
}

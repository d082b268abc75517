/** A stub resolver (RFC 1034 §5.3.1): asks recursive servers, of which one that validates is believed (RFC 4035 §4.9.3), and keeps what they say for as long as they say. */
import { isIPv4, isIPv6 } from 'node:net'
import type { Clock, Random } from '@sealpost/runtime'
import { encodeQuestion } from './dns-message.ts'
import type { DnsMessage, RecordData, RecordType } from './dns-message.ts'
import { exchange } from './exchange.ts'
import type { DnsServer } from './exchange.ts'
import { reverseName } from './reverse-name.ts'
import type { DnsAnswer, Resolver } from './resolver.ts'

export interface ResolverServer extends DnsServer {
  /** Whether its AD bit is believed: the way to it is the operator's. */
  readonly trusted: boolean
}

export interface ResolverOptions {
  /** In the order of preference; without any, every question fails. */
  readonly servers: readonly ResolverServer[]
  readonly clock: Clock
  readonly random: Random
  /** For metrics. */
  readonly onAnswer?: (type: RecordType, result: DnsAnswer<unknown>['result']) => void
}

/** A whole question, and one server's part of it. */
const QUESTION_MS_MAX = 5_000
const SERVER_MS_MAX = 1_500
const TRIES_MAX = 6
/** Questions under way at once, each with a socket; more fail. */
const ASKING_MAX = 512
const CACHE_ENTRIES_MAX = 10_000
const CACHE_BYTES_MAX = 16 * 1024 * 1024
const ENTRY_BYTES = 256
const TTL_SECONDS_MAX = 3_600
/** RFC 2308 §5; and for those who do not say. */
const NEGATIVE_TTL_SECONDS_MAX = 300
const NEGATIVE_TTL_SECONDS = 60
/** RFC 9520 §3.2: so that nobody is hammered. */
const FAILURE_TTL_SECONDS = 1
/** Aliases of aliases. */
const ALIASES_MAX = 12

interface Cached {
  readonly answer: DnsAnswer<RecordData[RecordType]>
  readonly untilMs: number
  readonly bytes: number
}

export function createResolver(options: ResolverOptions): Resolver {
  const stub = new StubResolver(options)
  const ask =
    <T extends RecordType>(type: T) =>
    (name: string) =>
      stub.ask(name, type)
  const [ipv4, ipv6] = [ask('A'), ask('AAAA')]
  return {
    mx: ask('MX'),
    ipv4,
    ipv6,
    addresses: async (host) => both(...(await Promise.all([ipv4(host), ipv6(host)]))),
    txt: ask('TXT'),
    tlsa: ask('TLSA'),
    cname: ask('CNAME'),
    ptr: async (address) => {
      const name = reverseName(address)
      return name === undefined ? { result: 'none', exists: false, secure: false } : stub.ask(name, 'PTR')
    },
  }
}

/** What is known of one family stands, when the other failed: a host can be reached over either. */
function both(four: DnsAnswer<string>, six: DnsAnswer<string>): DnsAnswer<string> {
  if (four.result === 'found' && six.result === 'found')
    return { ...four, records: [...four.records, ...six.records], secure: four.secure && six.secure }
  if (four.result === 'found') return four
  if (six.result === 'found') return six
  if (four.result === 'failed' || six.result === 'failed') return { result: 'failed' }
  return { result: 'none', exists: four.exists || six.exists, secure: four.secure && six.secure }
}

class StubResolver {
  readonly #options: ResolverOptions
  /** Least recently used first. */
  readonly #cache = new Map<string, Cached>()
  #cacheBytes = 0
  readonly #asking = new Map<string, Promise<DnsAnswer<RecordData[RecordType]>>>()
  /** The server that answered last is asked first. */
  #first = 0

  constructor(options: ResolverOptions) {
    this.#options = options
  }

  async ask<T extends RecordType>(name: string, type: T): Promise<DnsAnswer<RecordData[T]>> {
    const key = `${type} ${name.toLowerCase().replace(/\.$/, '')}`
    return (this.#remembered(key) ?? (await this.#shared(key, name, type))) as DnsAnswer<RecordData[T]>
  }

  #shared(key: string, name: string, type: RecordType): Promise<DnsAnswer<RecordData[RecordType]>> {
    const underWay = this.#asking.get(key)
    if (underWay !== undefined) return underWay
    if (this.#asking.size >= ASKING_MAX) return Promise.resolve({ result: 'failed' })
    const asking = this.#askServers(key, name, type).finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return asking
  }

  async #askServers(key: string, name: string, type: RecordType): Promise<DnsAnswer<RecordData[RecordType]>> {
    const { servers, clock, random } = this.#options
    const until = clock.monotonic() + QUESTION_MS_MAX
    let answer: DnsAnswer<RecordData[RecordType]> = { result: 'failed' }
    let ttl = FAILURE_TTL_SECONDS
    const first = this.#first
    for (let tries = 0; tries < Math.min(TRIES_MAX, servers.length * 2); tries++) {
      const index = (first + tries) % servers.length
      const server = servers[index]
      const question = encodeQuestion(name, type, random.bytes(32))
      const timeoutMs = Math.min(SERVER_MS_MAX, until - clock.monotonic())
      if (server === undefined || timeoutMs <= 0) break
      if (question === undefined) return { result: 'none', exists: false, secure: false }
      const message = await exchange({ server, question, timeoutMs, clock, random })
      // RFC 1035 §4.1.1: no error, or certainty that there is no such name. Whatever else, another server may know.
      if (message?.rcode !== 0 && message?.rcode !== 3) continue
      this.#first = index
      ;({ answer, ttl } = understand(message, name, type, server.trusted))
      break
    }
    this.#options.onAnswer?.(type, answer.result)
    this.#remember(key, answer, ttl)
    return answer
  }

  #remembered(key: string): DnsAnswer<RecordData[RecordType]> | undefined {
    const cached = this.#cache.get(key)
    if (cached === undefined) return undefined
    this.#forget(key, cached)
    if (cached.untilMs <= this.#options.clock.monotonic()) return undefined
    this.#keep(key, cached)
    return cached.answer
  }

  #remember(key: string, answer: DnsAnswer<RecordData[RecordType]>, ttlSeconds: number): void {
    if (ttlSeconds <= 0) return
    const before = this.#cache.get(key)
    if (before !== undefined) this.#forget(key, before)
    const untilMs = this.#options.clock.monotonic() + ttlSeconds * 1000
    this.#keep(key, { answer, untilMs, bytes: ENTRY_BYTES + 2 * key.length + weigh(answer) })
    for (const [oldest, cached] of this.#cache) {
      if (this.#cache.size <= CACHE_ENTRIES_MAX && this.#cacheBytes <= CACHE_BYTES_MAX) break
      this.#forget(oldest, cached)
    }
  }

  #keep(key: string, cached: Cached): void {
    this.#cache.set(key, cached)
    this.#cacheBytes += cached.bytes
  }

  #forget(key: string, cached: Cached): void {
    this.#cache.delete(key)
    this.#cacheBytes -= cached.bytes
  }
}

function weigh(answer: DnsAnswer<RecordData[RecordType]>): number {
  if (answer.result !== 'found') return 0
  return answer.records.reduce((sum, record) => sum + 64 + 2 * JSON.stringify(record).length, 0)
}

/** What a message says of a name, and for how many seconds. */
function understand(
  message: DnsMessage,
  name: string,
  type: RecordType,
  trusted: boolean,
): { answer: DnsAnswer<RecordData[RecordType]>; ttl: number } {
  const secure = trusted && message.authentic
  const { owner, ttl: aliasTtl } = followAliases(message, name.toLowerCase().replace(/\.$/, ''), type)
  const found = message.records.filter((record) => record.type === type && record.name === owner)
  if (message.rcode === 0 && found.length > 0) {
    const ttl = Math.min(aliasTtl, ...found.map(({ ttlSeconds }) => ttlSeconds))
    return { answer: { result: 'found', records: found.map(({ data }) => data), secure }, ttl }
  }
  const ttl = Math.min(aliasTtl, message.negativeTtlSeconds ?? NEGATIVE_TTL_SECONDS, NEGATIVE_TTL_SECONDS_MAX)
  return { answer: { result: 'none', exists: message.rcode === 0, secure }, ttl }
}

/** RFC 1034 §3.6.2. */
function followAliases(message: DnsMessage, name: string, type: RecordType): { owner: string; ttl: number } {
  let owner = name
  let ttl = TTL_SECONDS_MAX
  const aliasesMax = type === 'CNAME' ? 0 : ALIASES_MAX
  for (let count = 0; count < aliasesMax; count++) {
    const alias = message.records.find((record) => record.type === 'CNAME' && record.name === owner)
    if (alias === undefined) break
    owner = alias.data as string
    ttl = Math.min(ttl, alias.ttlSeconds)
  }
  return { owner, ttl }
}

const DNS_PORT = 53

/**
 * `ADDRESS`, `IPV4:PORT` or `[IPV6]:PORT`, as `DNS_SERVERS` has them; undefined when it is none. Those that the operator names are trusted; the system's only
 * when they are on this machine, since nobody knows the way to the others.
 */
export function parseDnsServer(text: string, named: boolean): ResolverServer | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([\da-f:.]+)\]|([\d.]+))(?::(\d{1,5}))?$/i.exec(text) ?? []
  const address = isIPv6(text.replace(/%.*$/, '')) ? text : (bracketed ?? plain ?? '')
  const port = Number(digits ?? DNS_PORT)
  if (!(isIPv4(address) || isIPv6(address.replace(/%.*$/, ''))) || port === 0 || port > 65_535)
    return undefined
  return { address, port, trusted: named || /^(?:127\.|::1$)/.test(address) }
}

/** A DNS server for tests, over UDP and TCP on loopback, encoded by another hand than ours; and a resolver that asks it. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { decode, encode } from 'dns-packet'
import type { Answer, Packet } from 'dns-packet'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { createResolver } from '../src/dns/dns-resolver.ts'
import type { ResolverServer } from '../src/dns/dns-resolver.ts'
import type { Resolver } from '../src/dns/resolver.ts'

/**
 * `'example.org MX': ['10 mx.example.org']`, `'mx.example.org A': ['127.0.0.1']`, `'_25._tcp.mx.example.org TLSA': ['3 1 1 ABCDEF']`. Of CNAME the target is looked up, too.
 * Instead of records: `SERVFAIL`, `REFUSED`, or `SILENCE` (no answer at all).
 */
export type Zone = Readonly<Record<string, readonly string[] | 'SERVFAIL' | 'REFUSED' | 'SILENCE'>>

export interface TestDns extends AsyncDisposable {
  readonly server: ResolverServer
  /** Asks this server, with a cache of its own. */
  readonly resolver: Resolver
  /** Every question so far, as `example.org MX`, in lower case. */
  readonly asked: readonly string[]
  /** Adds names, or changes what they have. What a resolver has cached stays for a minute. */
  set(zone: Zone): void
}

export interface TestDnsOptions {
  /** Whether answers have the AD bit. */
  readonly secure?: boolean
  readonly ttlSeconds?: number
  /** Changes what goes out, to misbehave. `question` is what came in. */
  readonly mangle?: (response: Buffer, question: Buffer, way: 'udp' | 'tcp') => Buffer[]
}

const UDP_BYTES_MAX = 1232

export async function testDns(zone: Zone = {}, options: TestDnsOptions = {}): Promise<TestDns> {
  const records = new Map<string, Zone[string]>()
  const asked: string[] = []
  const set = (more: Zone): void => {
    for (const [key, value] of Object.entries(more)) records.set(key.toLowerCase(), value)
  }
  set(zone)
  const answer = (bytes: Buffer, way: 'udp' | 'tcp'): Buffer[] => {
    const query = decode(bytes)
    const [question] = query.questions ?? []
    if (question === undefined) return []
    const key = `${question.name} ${question.type}`.toLowerCase()
    asked.push(key)
    const response = respond(records, query, options)
    if (response === undefined) return []
    const mangle = options.mangle ?? ((out: Buffer) => [out])
    return mangle(fit(response, way), bytes, way)
  }
  const udp = createSocket('udp4')
  const tcp = createServer((socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE()) return
      for (const out of answer(received.subarray(2), 'tcp')) {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(out.length)
        socket.end(Buffer.concat([length, out]))
      }
    })
  })
  udp.on('message', (bytes, { port, address }) => {
    for (const out of answer(bytes, 'udp')) udp.send(out, port, address)
  })
  const port = await bindBoth(udp, tcp)
  const server: ResolverServer = { address: '127.0.0.1', port, trusted: true }
  return {
    server,
    resolver: createResolver({ servers: [server], clock: systemClock, random: systemRandom }),
    asked,
    set,
    [Symbol.asyncDispose]: async () => {
      udp.close()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}

/** The same port for both: tried again when another process has it. */
async function bindBoth(udp: ReturnType<typeof createSocket>, tcp: Server): Promise<number> {
  for (;;) {
    tcp.listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    const { port } = tcp.address() as AddressInfo
    const bound = Promise.race([
      once(udp, 'listening').then(() => true),
      once(udp, 'error').then(() => false),
    ])
    udp.bind(port, '127.0.0.1')
    if (await bound) return port
    tcp.close()
    await once(tcp, 'close')
  }
}

function fit(response: Packet, way: 'udp' | 'tcp'): Buffer {
  const whole = encode(response)
  if (way === 'tcp' || whole.length <= UDP_BYTES_MAX) return whole
  return encode({ ...response, flags: (response.flags ?? 0) | 0x0200, answers: [] })
}

const RCODES = { SERVFAIL: 2, REFUSED: 5 } as const
const AUTHENTIC = 0x20
const NXDOMAIN = 3

function respond(
  records: ReadonlyMap<string, Zone[string]>,
  query: Packet,
  options: TestDnsOptions,
): Packet | undefined {
  const [question] = query.questions ?? []
  const name = question?.name.toLowerCase() ?? ''
  const base = { type: 'response' as const, id: query.id ?? 0, questions: query.questions ?? [] }
  const answers: Answer[] = []
  let owner = name
  for (;;) {
    const found = records.get(`${owner} ${question?.type.toLowerCase() ?? ''}`)
    if (found === 'SILENCE') return undefined
    if (typeof found === 'string') return { ...base, flags: RCODES[found] }
    for (const text of found ?? [])
      answers.push(toAnswer(owner, question?.type ?? 'A', text, options.ttlSeconds ?? 60))
    const [alias] = records.get(`${owner} cname`) ?? []
    if (found !== undefined || alias === undefined) break
    answers.push({ type: 'CNAME', name: owner, ttl: options.ttlSeconds ?? 60, data: alias })
    owner = alias.toLowerCase()
  }
  const exists = [...records.keys()].some((key) => {
    const [known = ''] = key.split(' ')
    return known === owner || known.endsWith(`.${owner}`)
  })
  const flags = (options.secure === true ? AUTHENTIC : 0) | (exists ? 0 : NXDOMAIN)
  return { ...base, flags, answers }
}

function toAnswer(name: string, type: string, text: string, ttl: number): Answer {
  const common = { name, ttl }
  switch (type) {
    case 'MX': {
      const [preference = '0', exchange = '.'] = text.split(' ')
      return { ...common, type, data: { preference: Number(preference), exchange } }
    }
    case 'SRV': {
      const [priority, weight, port, target = '.'] = text.split(' ')
      return {
        ...common,
        type,
        data: { priority: Number(priority), weight: Number(weight), port: Number(port), target },
      }
    }
    case 'CAA': {
      const [flags, tag, value = ''] = text.split(' ')
      const caa = { flags: Number(flags), tag: tag as 'issue', value: value.replaceAll('"', '') }
      return { ...common, type, data: caa }
    }
    case 'TXT':
      return { ...common, type, data: text.match(/[^]{1,255}/g) ?? [''] }
    case 'TLSA': {
      const [usage = '', selector = '', matchingType = '', hex = ''] = text.split(' ')
      const numbers = {
        usage: Number(usage),
        selector: Number(selector),
        matchingType: Number(matchingType),
      }
      return { ...common, type, data: { ...numbers, certificate: Buffer.from(hex, 'hex') } }
    }
    case 'A':
    case 'AAAA':
    case 'CNAME':
    case 'PTR':
      return { ...common, type, data: text }
    default:
      throw new Error(`The test server has no records of type ${type}`)
  }
}

/**
 * RFC 1035 §4: the messages of a stub resolver: one question out, the answer in. EDNS(0) (RFC 6891) for longer answers, the AD bit (RFC 6840 §5.7) for DNSSEC,
 * the letters of the question in random case, which an answer repeats (draft-vixie-dnsext-dns0x20 §2). What is malformed is no message: nothing here throws.
 */
import type { MxRecord, TlsaRecord } from './resolver.ts'

/** The types that the relay asks for or reads. */
export interface RecordData {
  A: string
  AAAA: string
  CNAME: string
  MX: MxRecord
  PTR: string
  SOA: { readonly minimum: number }
  TLSA: TlsaRecord
  TXT: string
}
export type RecordType = keyof RecordData

const TYPE_NUMBERS: Readonly<Record<RecordType, number>> = {
  A: 1,
  AAAA: 28,
  CNAME: 5,
  MX: 15,
  PTR: 12,
  SOA: 6,
  TLSA: 52,
  TXT: 16,
}
const TYPES = new Map(Object.entries(TYPE_NUMBERS).map(([type, number]) => [number, type as RecordType]))
const OPT = 41
const CLASS_IN = 1

export interface DnsRecord {
  /** In lower case. */
  readonly name: string
  readonly type: RecordType
  readonly ttlSeconds: number
  readonly data: RecordData[RecordType]
}

export interface DnsMessage {
  readonly id: number
  readonly truncated: boolean
  /** AD. */
  readonly authentic: boolean
  /** 0 no error, 2 SERVFAIL, 3 NXDOMAIN, … */
  readonly rcode: number
  /** Whether it answers this very question, letter for letter. */
  answers(question: Buffer): boolean
  readonly records: readonly DnsRecord[]
  /** RFC 2308 §5: how long it is certain that there is nothing; undefined when nobody says. */
  readonly negativeTtlSeconds: number | undefined
}

const HEADER_BYTES = 12
const LABEL_BYTES_MAX = 63
/** RFC 1035 §2.3.4, in its written form. */
const NAME_LENGTH_MAX = 253
/** More labels than a name can have. */
const LABELS_MAX = 128
/** RFC 6891 §6.2.5, at what passes everywhere unfragmented. */
const UDP_BYTES_MAX = 1232
/** Printable, and no dot. */
const LABEL = /^[!-\-/-~]+$/
/** RFC 1035 §4.1.1 and RFC 6840 §5.7: recursion desired; tell me of DNSSEC. */
const FLAGS_ASKED = 0x0120

/** The question section for a name; undefined when no such name can exist. `coin` gives random bits for the case of letters. */
export function encodeQuestion(name: string, type: RecordType, coin: Buffer): Buffer | undefined {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name
  if (bare === '' || bare.length > NAME_LENGTH_MAX) return undefined
  const labels = mixCase(bare, coin).split('.')
  if (!labels.every((label) => LABEL.test(label) && label.length <= LABEL_BYTES_MAX)) return undefined
  const tail = Buffer.alloc(5)
  tail.writeUInt16BE(TYPE_NUMBERS[type], 1)
  tail.writeUInt16BE(CLASS_IN, 3)
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCodePoint(label.length)}${label}`)),
    tail,
  ])
}

function mixCase(name: string, coin: Buffer): string {
  const bits = (index: number): number => (coin[(index >> 3) % coin.length] ?? 0) >> (index & 7)
  return name.replaceAll(/[a-z]/gi, (letter, index: number) =>
    (bits(index) & 1) === 1 ? letter.toUpperCase() : letter.toLowerCase(),
  )
}

export function encodeQuery(id: number, question: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(FLAGS_ASKED, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(1, 10)
  const opt = Buffer.alloc(11)
  opt.writeUInt16BE(OPT, 1)
  opt.writeUInt16BE(UDP_BYTES_MAX, 3)
  return Buffer.concat([header, question, opt])
}

/** Undefined: not a response, or malformed. Records of other types and classes, and such with names that nobody can write, are left out. */
export function readResponse(bytes: Buffer): DnsMessage | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const flags = bytes.readUInt16BE(2)
  const isResponse = (flags & 0xf800) === 0x8000
  if (!isResponse || bytes.readUInt16BE(4) !== 1) return undefined
  const asked = readName(bytes, HEADER_BYTES)
  if (asked === undefined || asked.end + 4 > bytes.length) return undefined
  const records: DnsRecord[] = []
  let at = asked.end + 4
  let negativeTtlSeconds: number | undefined
  const truncated = (flags & 0x0200) !== 0
  const answers = bytes.readUInt16BE(6)
  const all = answers + bytes.readUInt16BE(8)
  for (let index = 0; index < all; index++) {
    const next = readRecord(bytes, at)
    if (next === undefined) {
      if (truncated) break
      return undefined
    }
    at = next.end
    const { record } = next
    if (record === undefined) continue
    if (index < answers) records.push(record)
    else if (record.type === 'SOA')
      negativeTtlSeconds = Math.min(record.ttlSeconds, (record.data as RecordData['SOA']).minimum)
  }
  return {
    id: bytes.readUInt16BE(0),
    truncated,
    authentic: (flags & 0x0020) !== 0,
    rcode: flags & 0x000f,
    answers: (question) => bytes.subarray(HEADER_BYTES, asked.end + 4).equals(question),
    records,
    negativeTtlSeconds,
  }
}

/** `name` is undefined when it has bytes that nobody can write. Pointers go backwards only (RFC 1035 §4.1.4), so that reading ends. */
function readName(bytes: Buffer, begin: number): { name: string | undefined; end: number } | undefined {
  const labels: string[] = []
  let at = begin
  let end: number | undefined
  let before = begin
  let length = 0
  while (labels.length <= LABELS_MAX) {
    const size = bytes[at]
    if (size === undefined) return undefined
    if (size === 0) return { name: writeName(labels), end: end ?? at + 1 }
    if (size >= 0xc0) {
      const low = bytes[at + 1]
      if (low === undefined) return undefined
      end ??= at + 2
      at = ((size & 0x3f) << 8) | low
      if (at >= before) return undefined
      before = at
      continue
    }
    length += size + 1
    if (size > LABEL_BYTES_MAX || at + 1 + size > bytes.length || length > NAME_LENGTH_MAX + 1)
      return undefined
    labels.push(bytes.toString('latin1', at + 1, at + 1 + size))
    at += 1 + size
  }
  return undefined
}

function writeName(labels: readonly string[]): string | undefined {
  return labels.every((label) => LABEL.test(label)) ? labels.join('.').toLowerCase() : undefined
}

const FIXED_BYTES = 10

function readRecord(
  bytes: Buffer,
  begin: number,
): { record: DnsRecord | undefined; end: number } | undefined {
  const owner = readName(bytes, begin)
  if (owner === undefined || owner.end + FIXED_BYTES > bytes.length) return undefined
  const { name, end: fixed } = owner
  const start = fixed + FIXED_BYTES
  const end = start + bytes.readUInt16BE(fixed + 8)
  if (end > bytes.length) return undefined
  const type = TYPES.get(bytes.readUInt16BE(fixed))
  if (type === undefined || name === undefined || bytes.readUInt16BE(fixed + 2) !== CLASS_IN)
    return { record: undefined, end }
  const data = READERS[type](bytes, start, end)
  if (data === undefined) return { record: undefined, end }
  // RFC 2181 §8: a TTL with its highest bit set is zero.
  const ttl = bytes.readInt32BE(fixed + 4)
  return { record: { name, type, ttlSeconds: Math.max(0, ttl), data }, end }
}

type DataReader<T> = (bytes: Buffer, start: number, end: number) => T | undefined

const wholeName: DataReader<string> = (bytes, start, end) => {
  const read = readName(bytes, start)
  return read?.end === end ? read.name : undefined
}

const READERS: { readonly [T in RecordType]: DataReader<RecordData[T]> } = {
  A: (bytes, start, end) => (end - start === 4 ? bytes.subarray(start, end).join('.') : undefined),
  AAAA: (bytes, start, end) => (end - start === 16 ? writeIpv6(bytes.subarray(start, end)) : undefined),
  CNAME: wholeName,
  PTR: wholeName,
  MX: (bytes, start, end) => {
    const exchange = end - start < 3 ? undefined : wholeName(bytes, start + 2, end)
    return exchange === undefined ? undefined : { preference: bytes.readUInt16BE(start), exchange }
  },
  SOA: (bytes, start, end) => (end - start < 22 ? undefined : { minimum: bytes.readUInt32BE(end - 4) }), // RFC 1035 §3.3.13
  TLSA: (bytes, start, end) =>
    end - start < 4
      ? undefined
      : {
          usage: bytes[start] ?? 0,
          selector: bytes[start + 1] ?? 0,
          matching: bytes[start + 2] ?? 0,
          data: Buffer.from(bytes.subarray(start + 3, end)),
        },
  TXT: (bytes, start, end) => {
    const strings: Buffer[] = []
    for (let at = start; at < end; at += 1 + (bytes[at] ?? 0)) {
      const stop = at + 1 + (bytes[at] ?? 0)
      if (stop > end) return undefined
      strings.push(bytes.subarray(at + 1, stop))
    }
    return Buffer.concat(strings).toString('utf8')
  },
}

/** RFC 5952 §4, but for addresses with an IPv4 one inside. */
function writeIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':')
  const [longest] = [...groups.matchAll(/\b0(?::0)+\b/g)].toSorted((a, b) => b[0].length - a[0].length)
  if (longest === undefined) return groups
  const [before, after] = [groups.slice(0, longest.index), groups.slice(longest.index + longest[0].length)]
  return `${before.replace(/:$/, '')}::${after.replace(/^:/, '')}`
}

/**
 * The report in a mail, found by what its bytes are, whatever they are called: XML (RFC 9990) or JSON (RFC 8460), plain, in gzip (RFC 1952) or alone in a zip file, as
 * some senders of RFC 7489 have it. Bounded before and after decompression; XML is read while it is decompressed.
 */
import type { ReportKind } from '@sealpost/ports'
import type { Readable } from 'node:stream'
import { PassThrough } from 'node:stream'
import { createGunzip, createInflateRaw } from 'node:zlib'
import {
  DmarcReportReader,
  type MailHeader,
  MimeWalker,
  type ReportSummary,
  readTlsReport,
  transferDecoder,
} from '@sealpost/mail'
import type { Content } from '../content.ts'

/** Of the attachment, decoded, and of what is in it. */
const FILE_BYTES_MAX = 5 * 1024 * 1024
const XML_BYTES_MAX = 20 * 1024 * 1024
const JSON_BYTES_MAX = 2 * 1024 * 1024
const LIMITS = { partsMax: 20, depthMax: 5 } as const
const ZIP = {
  nameAt: 26,
  extraAt: 28,
  headerBytes: 30,
  flagsAt: 6,
  methodAt: 8,
  sizeAt: 18,
  deflate: 8,
} as const

export interface ReadReport {
  readonly kind: ReportKind
  readonly summary: ReportSummary
}

/** Undefined: there is none that can be read. */
export async function readReport(header: MailHeader, content: Content): Promise<ReadReport | undefined> {
  for (const file of await attachments(header, content)) {
    const opened = openFile(file)
    const report = opened && (await readOpened(opened))
    if (report !== undefined) return report
  }
  return undefined
}

/** Leaves that are no text for people, decoded; what is too large is left out. */
async function attachments(header: MailHeader, content: Content): Promise<Buffer[]> {
  const files: Buffer[] = []
  let room = FILE_BYTES_MAX
  const walker = new MimeWalker(
    header,
    ({ type, encoding }) => {
      const decoder = transferDecoder(encoding)
      if (decoder === undefined || type === 'text/plain' || type === 'text/html') return undefined
      const chunks: Buffer[] = []
      return {
        write: (bytes) => {
          const chunk = decoder.write(bytes)
          room -= chunk.length
          if (room >= 0) chunks.push(chunk)
        },
        end: () => void (room >= 0 && files.push(Buffer.concat(chunks))),
      }
    },
    LIMITS,
  )
  for await (const chunk of content.body()) {
    if (walker.fault !== undefined || room < 0) break
    walker.write(chunk)
  }
  walker.end()
  return files
}

/** What is in it, decompressed as it is read. */
function openFile(file: Buffer): Readable | undefined {
  if (file[0] === 0x1f && file[1] === 0x8b) return createGunzip().end(file)
  return file.subarray(0, 4).toString('latin1') === 'PK\x03\x04' ? openZip(file) : new PassThrough().end(file)
}

/** The first file of it (APPNOTE.TXT 4.3.7); encrypted ones and other methods are not read. */
function openZip(file: Buffer): Readable | undefined {
  if (file.length < ZIP.headerBytes || (file.readUInt16LE(ZIP.flagsAt) & 1) !== 0) return undefined
  const begin = ZIP.headerBytes + file.readUInt16LE(ZIP.nameAt) + file.readUInt16LE(ZIP.extraAt)
  const method = file.readUInt16LE(ZIP.methodAt)
  if (method === ZIP.deflate) return createInflateRaw().end(file.subarray(begin))
  return method === 0
    ? new PassThrough().end(file.subarray(begin, begin + file.readUInt32LE(ZIP.sizeAt)))
    : undefined
}

async function readOpened(opened: Readable): Promise<ReadReport | undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const xml = new DmarcReportReader()
  let json: string | undefined
  let [bytes, isBegun] = [0, false]
  try {
    for await (const chunk of opened as AsyncIterable<Buffer>) {
      const text = decoder.decode(chunk, { stream: true })
      bytes += chunk.length
      if (!isBegun && text.trimStart().startsWith('{')) json = ''
      isBegun = true
      if (json === undefined) xml.write(text)
      else json += text
      if (bytes > (json === undefined ? XML_BYTES_MAX : JSON_BYTES_MAX) || xml.fault) return undefined
    }
    decoder.decode()
  } catch {
    return undefined // No UTF-8, or not whole.
  } finally {
    opened.destroy()
  }
  const summary = json === undefined ? xml.end() : readTlsReport(json)
  return summary && { kind: json === undefined ? 'dmarc' : 'tls', summary }
}

/**
 * `npm run bench -- certificates`: the certificate layer of the key directory alone, on one core. Two figures: certificates as people have them that are
 * read, verified, merged and written back in a second of processor time; and the processor time that the worst upload of the hostile corpus
 * (packages/openpgp/test/hostile.ts) costs, each of them seven times, the median counting. No peer: there is none to compare with yet.
 * Limits: --certificates N (600).
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  CERTIFICATE_LIMITS,
  mergeCertificates,
  OpenPgpError,
  readStored,
  readUpload,
  summarize,
  writeCertificate,
} from '@sealpost/openpgp'
import { hostileCorpus } from '../packages/openpgp/test/hostile.ts'
import { NOW, sample } from '../packages/openpgp/test/maker.ts'
import { median, readSettings } from './rounds.ts'

const ROUNDS = 7

function cpuMs(run: () => void): number {
  const start = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

/** What the import of one certificate costs that is known already: both are read, the new one is verified, and the result is written. */
function importOne(bytes: Buffer, now: number): void {
  const [certificate] = readUpload(bytes, now).certificates
  if (certificate === undefined) throw new Error('a good certificate was not taken')
  const kept = readStored(writeCertificate(certificate))
  summarize(mergeCertificates(kept, certificate, CERTIFICATE_LIMITS), now)
}

function printRate(label: string, uploads: readonly Buffer[], now: number): void {
  for (const bytes of uploads.slice(0, 50)) importOne(bytes, now)
  const rates = Array.from({ length: ROUNDS }, () => {
    const ms = cpuMs(() => {
      for (const bytes of uploads) importOne(bytes, now)
    })
    return uploads.length / (ms / 1000)
  })
  console.log(`${label.padEnd(44)}${median(rates).toFixed(0).padStart(8)} certificates a second of one core`)
}

const VECTORS = join(import.meta.dirname, '../test/vectors/openpgp/certificates')

/** Fails when the worst one costs more than the limit that issue and README name. */
export async function certificates(args: readonly string[]): Promise<void> {
  const { numbers } = readSettings(args, { certificates: 600 })
  const count = numbers.certificates
  printRate(
    'Ed25519, one user id, two subkeys (v4)',
    Array.from({ length: count }, (_, index) => sample(index).bytes),
    NOW,
  )
  printRate(
    'the same of version 6',
    Array.from({ length: count }, (_, index) => sample(index, { version: 6 }).bytes),
    NOW,
  )
  const later = Date.UTC(2025, 11, 1) / 1000
  const of = (name: string): Buffer => readFileSync(join(VECTORS, name))
  const repeat = (names: readonly string[]): Buffer[] =>
    names.flatMap((name) => Array.from({ length: Math.ceil(count / names.length) }, () => of(name)))
  printRate('RSA 3072 by GnuPG', repeat(['gpg-rsa.asc']), later)
  const mixed = readdirSync(VECTORS).filter((name) => /^gpg-(?!life|revo)/.test(name))
  printRate('all that GnuPG 2.2 makes, in equal parts', repeat(mixed), later)

  const costs = hostileCorpus().map(({ name, upload }) => {
    const times = Array.from({ length: ROUNDS }, () => cpuMs(() => tryUpload(upload)))
    return { name, ms: median(times) }
  })
  costs.sort((a, b) => b.ms - a.ms)
  console.log('\nHostile uploads, processor time:')
  for (const { name, ms } of costs.slice(0, 12))
    console.log(`${name.padEnd(52)}${ms.toFixed(1).padStart(8)} ms`)
  console.log(`worst of ${String(costs.length)}: ${(costs[0]?.ms ?? 0).toFixed(1)} ms`)
  await Promise.resolve()
}

function tryUpload(upload: Buffer): void {
  try {
    readUpload(upload, NOW)
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
  }
}

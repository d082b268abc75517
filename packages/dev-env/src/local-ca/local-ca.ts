/** A certificate authority of this installation's own, so that TLS works from the first start; operators replace it by TLS_CERT and TLS_KEY. */
import { X509Certificate, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { isIP } from 'node:net'
import { dirname, join } from 'node:path'
import { domainToASCII } from 'node:url'
import { type Clock, type Random, syncDirectory } from '@sealpost/runtime'
import { makeCaCertificate, makeServerCertificate } from './certificate.ts'
import type { Issuer } from './certificate.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const CA_LIFE_MS = 3_653 * DAY_MS
const LEAF_LIFE_MS = 90 * DAY_MS
const RENEW_BEFORE_MS = 30 * DAY_MS
const CHECK_MS = 60 * 60 * 1000

export interface LocalCaOptions {
  /** Holds ca.pem, ca.key, cert.pem and key.pem; made if missing. */
  readonly directory: string
  /** Domains served; the certificate also covers `xmpp.` and `mail.` below them, localhost and loopback. */
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly random: Random
}

/**
 * Makes what is missing, damaged, about to end (30 days for the certificate, 90 for the CA) or not for these domains. True if it issued.
 * A crash at any point leaves a pair that matches, or one that the next call replaces.
 */
export async function ensureCertificate(options: LocalCaOptions): Promise<boolean> {
  const { directory, clock, random } = options
  await mkdir(directory, { recursive: true, mode: 0o755 })
  const issuer = await ensureCa(options)
  const names = namesFor(options.domains)
  if (await isGood(directory, { issuer, names, now: clock.now() })) return false
  const key = makeKey()
  const cert = makeServerCertificate(
    issuer,
    { names, key },
    { now: clock.now(), lifeMs: LEAF_LIFE_MS, random },
  )
  await writeWhole(join(directory, 'key.pem'), pemOf(key), 0o600)
  await writeWhole(join(directory, 'cert.pem'), cert, 0o644)
  return true
}

/** Checks every hour, until disposed. `onIssued` runs after a renewal; watchTls takes the files up by itself. */
export function keepCertificate(options: LocalCaOptions, onIssued: () => void): Disposable {
  return options.clock.every(CHECK_MS, async () => {
    if (await ensureCertificate(options)) onIssued()
  })
}

/** All names of the certificate, the first domain first. */
export function namesFor(domains: readonly string[]): string[] {
  const names = domains.flatMap((domain) => {
    if (isIP(domain) !== 0) return [domain]
    const ascii = domainToASCII(domain)
    return ascii === 'localhost' ? [ascii] : [ascii, `xmpp.${ascii}`, `mail.${ascii}`]
  })
  return [...new Set([...names, 'localhost', '127.0.0.1', '::1'])].filter((name) => name !== '')
}

async function ensureCa({ directory, clock, random }: LocalCaOptions): Promise<Issuer> {
  const certFile = join(directory, 'ca.pem')
  const keyFile = join(directory, 'ca.key')
  const old = await readPair(certFile, keyFile)
  // A leaf must not outlive its CA.
  if (old !== undefined && old.cert.validToDate.getTime() > clock.now() + LEAF_LIFE_MS)
    return { name: commonNameOf(old.cert), key: old.key }
  const issuer = { name: `Sealpost local CA ${random.bytes(4).toString('hex')}`, key: makeKey() }
  const cert = makeCaCertificate(issuer, { now: clock.now(), lifeMs: CA_LIFE_MS, random })
  await writeWhole(keyFile, pemOf(issuer.key), 0o600)
  await writeWhole(certFile, cert, 0o644)
  return issuer
}

async function isGood(
  directory: string,
  wanted: { issuer: Issuer; names: readonly string[]; now: number },
): Promise<boolean> {
  const pair = await readPair(join(directory, 'cert.pem'), join(directory, 'key.pem'))
  if (pair === undefined) return false
  const { cert } = pair
  return (
    cert.validToDate.getTime() - wanted.now > RENEW_BEFORE_MS &&
    cert.validFromDate.getTime() <= wanted.now &&
    commonNameIn(cert.issuer) === wanted.issuer.name &&
    wanted.names.every((name) => covers(cert, name))
  )
}

function covers(cert: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? cert.checkHost(name) : cert.checkIP(name)) !== undefined
}

/** Undefined unless both are there and belong together. */
async function readPair(
  certFile: string,
  keyFile: string,
): Promise<{ cert: X509Certificate; key: KeyObject } | undefined> {
  try {
    const cert = new X509Certificate(await readFile(certFile))
    const key = createPrivateKey(await readFile(keyFile))
    return cert.checkPrivateKey(key) ? { cert, key } : undefined
  } catch {
    return undefined
  }
}

function commonNameOf(cert: X509Certificate): string {
  return commonNameIn(cert.subject)
}

function commonNameIn(distinguishedName: string): string {
  return /^CN=(.*)$/m.exec(distinguishedName)?.[1] ?? ''
}

function makeKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The file is there whole or as it was before. */
async function writeWhole(path: string, content: string, mode: number): Promise<void> {
  const fresh = `${path}.new`
  const file = await open(fresh, 'w', mode)
  try {
    await file.chmod(mode)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(fresh, path)
  await syncDirectory(dirname(path))
}

/** The certificate in force. */
import { X509Certificate } from 'node:crypto'
import type { Diagnosis } from './diagnosis.ts'

const DAY_MS = 86_400_000
const DAYS_ADVICE = 14
const DAYS_WRONG = 3

/** `domains`: in A-labels. */
export function examineCertificate(
  pem: string,
  domains: readonly string[],
  now: number,
): readonly Diagnosis[] {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem)
  } catch {
    return [{ area: 'tls', verdict: 'unknown', found: 'this process has no certificate to look at' }]
  }
  const foreign = domains.filter((domain) => certificate.checkHost(domain) === undefined)
  const names: Diagnosis =
    foreign.length === 0
      ? { area: 'tls', verdict: 'ok', found: 'the certificate names every domain' }
      : {
          area: 'tls',
          verdict: 'wrong',
          found: `the certificate does not name ${foreign.join(', ')}`,
          advice: 'Ask for one that has all domains of SEALPOST_DOMAIN: chat clients refuse another name.',
        }
  return [names, lifeOf(certificate, now), ...issuerOf(pem, domains)]
}

function lifeOf({ validToDate }: X509Certificate, now: number): Diagnosis {
  const days = Math.floor((validToDate.getTime() - now) / DAY_MS)
  const found = days < 0 ? 'the certificate has expired' : `the certificate is good for ${String(days)} days`
  if (days >= DAYS_ADVICE) return { area: 'tls', verdict: 'ok', found }
  const advice = 'See why it was not renewed; a new pair is taken up within a minute.'
  return { area: 'tls', verdict: days < DAYS_WRONG ? 'wrong' : 'advice', found, advice }
}

/** A certificate by itself, or with an authority of ours, is nothing that strangers trust. */
function issuerOf(pem: string, domains: readonly string[]): readonly Diagnosis[] {
  const certificate = new X509Certificate(pem)
  const isOwn = certificate.issuer === certificate.subject || /Sealpost/.test(certificate.issuer)
  if (!isOwn || domains.every((domain) => domain === 'localhost')) return []
  return [
    {
      area: 'tls',
      verdict: 'wrong',
      found: 'the certificate is of an authority that only this machine knows',
      advice: 'Get one of a public authority, such as Let’s Encrypt, and name it in TLS_CERT and TLS_KEY.',
    },
  ]
}

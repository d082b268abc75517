/** RFC 7208, RFC 9989 (DMARC), RFC 8617: what SPF, the signatures and the policy of the author's domain say together. */
import { arc, dmarc, spf } from 'mailauth'
import type { ARCResult, DMARCResult, SPFResult } from 'mailauth'
import { formatAddress } from '@sealpost/mail'
import type { Client, Envelope } from '../../reception/stage.ts'
import { transactionNote } from '../../reception/stage.ts'
import type { MailauthResolver } from './mailauth-resolver.ts'
import type { CheckedSignatures } from './signature-check.ts'

export interface SenderVerdict {
  readonly spf: SPFResult
  readonly signatures: CheckedSignatures
  readonly arc: ARCResult
  /** Undefined: From names no domain, or several. */
  readonly dmarc: DMARCResult | undefined
  /** What is done for the policy's sake. */
  readonly disposition: 'none' | 'quarantine' | 'reject'
}

/** For stages that come later: reputation, scanners, reports. */
export const senderVerdict = transactionNote<SenderVerdict>('sender verdict')

/** RFC 7208 §4.6.4: at least 20 s. */
const SPF_MS_MAX = 20_000

export async function checkSpf(
  client: Client,
  sender: Envelope['sender'],
  { resolver, mta }: { resolver: MailauthResolver; mta: string },
): Promise<SPFResult> {
  return spf({
    ip: client.address,
    helo: client.helo,
    sender: sender === undefined ? '' : formatAddress(sender),
    mta,
    resolver,
    maxElapsedTime: SPF_MS_MAX,
    strict: true,
  })
}

export interface VerdictOptions {
  readonly resolver: MailauthResolver
  /** Domains whose ARC seals are believed, when they say that a mail had passed before they changed it. */
  readonly trustedSealers: readonly string[]
}

export async function judge(
  spfResult: SPFResult,
  signatures: CheckedSignatures,
  { resolver, trustedSealers }: VerdictOptions,
): Promise<SenderVerdict> {
  const arcResult = await arc(signatures.arc, { resolver, strict: true })
  const passed = signatures.results.filter(({ status }) => status.result === 'pass')
  const policy = await dmarc({
    headerFrom: [...signatures.headerFrom],
    fromFields: signatures.fromFields,
    spfDomains: spfResult.status.result === 'pass' ? [spfResult.domain] : [],
    dkimDomains: passed.flatMap(({ id, signingDomain }) =>
      id === undefined || signingDomain === undefined ? [] : [{ id, domain: signingDomain }],
    ),
    arcResult,
    resolver,
  })
  const found = policy === false ? undefined : policy
  const disposition = isVouchedFor(arcResult, trustedSealers) ? 'none' : dispositionOf(found)
  return { spf: spfResult, signatures, arc: arcResult, dmarc: found, disposition }
}

function dispositionOf(policy: DMARCResult | undefined): SenderVerdict['disposition'] {
  if (policy?.status.result !== 'fail') return 'none'
  return policy.policy === 'reject' || policy.policy === 'quarantine' ? policy.policy : 'none'
}

/** RFC 8617 §7.2.1: a whole chain, its last seal by somebody the operator trusts. */
function isVouchedFor({ status, chain }: ARCResult, trusted: readonly string[]): boolean {
  // Without sets it is false, whatever the types say.
  const last = Array.isArray(chain) ? chain.at(-1) : undefined
  const sealer = last?.['arc-seal']?.parsed?.d?.value
  return status.result === 'pass' && typeof sealer === 'string' && trusted.includes(sealer.toLowerCase())
}

/** What Authentication-Results says (RFC 8601 §2.7). */
export function methodResults({
  spf: spfResult,
  signatures,
  arc: arcResult,
  dmarc: policy,
}: SenderVerdict): string[] {
  const infos = [
    ...signatures.results.map(({ info, status }) =>
      status.result === 'policy' && status.comment !== undefined
        ? info.replace(/^dkim=pass/, 'dkim=policy')
        : info,
    ),
    spfResult.info,
    arcResult.info,
    policy?.info,
  ]
  return infos.filter((info): info is string => info !== undefined && info !== '')
}

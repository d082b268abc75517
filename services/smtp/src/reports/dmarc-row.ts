/** RFC 9990 §3.1: one mail as a DMARC report tells of it. */
import { domainToASCII } from 'node:url'
import type { DkimAuthResult, DmarcRow, EmailAddress } from '@sealpost/mail'
import type { SenderVerdict } from '../stages/authentication/verdict.ts'

/** RFC 9990 §3.1.3: those that pass come first; more than these tell nothing. */
const SIGNATURES_MAX = 5
const NAME_CHARS_MAX = 253

/** Undefined: nobody knows how it was to be judged. `address`: the client's. */
export function dmarcRow(
  address: string,
  sender: EmailAddress | undefined,
  verdict: SenderVerdict,
): DmarcRow | undefined {
  const { dmarc, spf, disposition, signatures } = verdict
  const outcome = dmarc?.status.result
  if (dmarc === undefined || (outcome !== 'pass' && outcome !== 'fail')) return undefined
  const reason = reasonOf(verdict)
  return {
    sourceIp: address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, ''),
    disposition: outcome === 'fail' ? disposition : dmarc.policy === 'none' ? 'none' : 'pass',
    dkim: dmarc.alignment.dkim.result !== undefined,
    spf: dmarc.alignment.spf.result !== undefined,
    ...(reason === undefined ? {} : { reason }),
    headerFrom: domainToASCII(dmarc.status.header?.from ?? ''),
    ...(sender === undefined ? {} : { envelopeFrom: sender.domain }),
    dkimResults: signatures.results
      .flatMap(({ signingDomain, selector, status }): DkimAuthResult[] =>
        signingDomain === undefined || selector === undefined
          ? []
          : [{ domain: short(signingDomain), selector: short(selector), result: status.result }],
      )
      .toSorted((a, b) => Number(b.result === 'pass') - Number(a.result === 'pass'))
      .slice(0, SIGNATURES_MAX),
    spfResult: { domain: short(spf.domain), result: spf.status.result },
  }
}

/** RFC 9990 §3.1.6: why a mail that failed was not treated as was published. */
function reasonOf({ dmarc, disposition }: SenderVerdict): DmarcRow['reason'] {
  if (dmarc?.status.result !== 'fail') return undefined
  if (disposition === 'none' && dmarc.policy !== 'none') return 'trusted_forwarder'
  // To postmaster and abuse.
  if (disposition === 'quarantine' && dmarc.policy === 'reject') return 'local_policy'
  return dmarc.testMode && dmarc.p !== 'none' ? 'policy_test_mode' : undefined
}

function short(name: string): string {
  return name.slice(0, NAME_CHARS_MAX)
}

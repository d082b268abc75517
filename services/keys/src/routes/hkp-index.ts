/** draft-gallagher-openpgp-hkp §3.2: the machine readable index. Expiry and revocation are told, which some servers leave out. */
import type { CertificateSummary, KeySummary } from '@sealpost/openpgp'

/** Everything but what every reader takes as it is: colons separate, and lines end. */
function escape(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%20', ' ')
    .replaceAll('%40', '@')
    .replaceAll('%3C', '<')
    .replaceAll('%3E', '>')
}

function flags({ revoked, expires }: { revoked: boolean; expires: number | undefined }, now: number): string {
  return `${revoked ? 'r' : ''}${expires !== undefined && expires <= now ? 'e' : ''}`
}

function keyLine(key: KeySummary, now: number): string {
  const { fingerprint, algorithm, created, expires, revoked } = key
  const state = flags({ revoked: revoked !== undefined, expires }, now)
  return ['pub', fingerprint, algorithm.code, algorithm.bits ?? '', created, expires ?? '', state].join(':')
}

/** `now` in seconds since 1970. */
export function formatIndex(listings: readonly CertificateSummary[], now: number): string {
  const lines = listings.flatMap((listing) => [
    keyLine(listing, now),
    ...listing.userIds.map(({ text, created, expires, revoked }) =>
      ['uid', escape(text), created ?? '', expires ?? '', flags({ revoked, expires }, now)].join(':'),
    ),
  ])
  return [`info:1:${String(listings.length)}`, ...lines, ''].join('\n')
}

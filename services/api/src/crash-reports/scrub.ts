/**
 * Takes out of a text what could identify somebody: addresses, JIDs, IP addresses, ids, tokens, phone numbers, user names in paths, key fingerprints.
 * When in doubt something is taken out: a trace is worth less without it, and nobody is worth less.
 */

interface Rule {
  readonly pattern: RegExp
  readonly mark: string
}

/** In this order: what is longer and more certain goes first. */
const RULES: readonly Rule[] = [
  // Whole URIs with a user, a query or a fragment, or of a scheme that names people.
  { pattern: /\b(?:xmpp|mailto|sip|sips|tel|sms|im|data|geo):[^\s"'<>)]+/gi, mark: '[uri]' },
  { pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>)]+/gi, mark: '[url]' },
  // JSON web tokens and the like: three parts in base64url.
  { pattern: /(?<![\w-])[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g, mark: '[token]' },
  {
    pattern:
      /\b(?:bearer|basic|token|secret|password|passwd|pwd|key|authorization|cookie|session)["']?\s*[:=]\s*\S+(?:\s+[\w+/=.-]{8,})?/gi,
    mark: '[secret]',
  },
  { pattern: /\b(?:bearer|basic)\s+\S+/gi, mark: '[secret]' },
  { pattern: /\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b/gi, mark: '[uuid]' },
  { pattern: /\b(?:[0-9a-f]{2}[:-]){5,}[0-9a-f]{2}\b/gi, mark: '[hardware]' },
  // IPv6, with a zone, in brackets with a port, and with an IPv4 address at its end; then IPv4 with a port.
  {
    pattern:
      /(?<![\w:.])\[?(?:[0-9a-f]{0,4}:){2,8}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4})?(?:%\w+)?\]?(?::\d+)?(?!\w|:[\w:])/gi,
    mark: '[ip]',
  },
  { pattern: /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?(?![\w.]*\w)/g, mark: '[ip]' },
  // User names in paths.
  {
    pattern:
      /((?:\/home|\/Users|\/var\/home|\/data\/user|[A-Z]:\\+(?:Users|Documents and Settings))[/\\]+)[^/\\\n"'<>:|]+/gi,
    mark: '$1[user]',
  },
  { pattern: /~[\p{L}\p{N}_.-]+(?=[/\\])/gu, mark: '~[user]' },
  // Long runs of hexadecimal digits or base64: fingerprints, keys, tokens, serial numbers.
  { pattern: /(?<![\p{L}\p{N}])(?:0x)?[0-9a-f]{12,}(?![\p{L}\p{N}])/giu, mark: '[hex]' },
  {
    pattern: /(?<![\w+/=-])(?=[\w+/-]*\d)(?=[\w+/-]*[a-zA-Z])[\w+/-]{20,}={0,2}(?![\w+/=-])/g,
    mark: '[token]',
  },
  // Phone numbers: a plus and seven digits, or ten digits with whatever stands between them.
  { pattern: /(?<![\w.])\+\d(?:[ ().-]{0,2}\d){6,14}(?!\w)/g, mark: '[phone]' },
  { pattern: /(?<![\w.])\(?\d{2,4}\)?(?:[ .-]{1,2}\d{2,4}){2,4}(?!\w|\.\w)/g, mark: '[phone]' },
  { pattern: /(?<!\w)\d{9,}(?!\w)/g, mark: '[number]' },
]

/** Mail addresses and JIDs with what hangs on them, in letters of any alphabet; an `@Word` alone is an annotation. */
const RUN = /[^\s"'<>()[\]{},;=]+/g
const ANNOTATION = /^@\w+$/

function scrubAddresses(text: string): string {
  return text.replaceAll(RUN, (run) => (run.includes('@') && !ANNOTATION.test(run) ? '[address]' : run))
}

/** Repeated until nothing changes any more, which a mark could uncover. */
const ROUNDS_MAX = 3

export function scrub(text: string): string {
  // What has no shape of its own (combining marks, invisible letters, controls) must not hide what has one.
  let scrubbed = text.normalize('NFKC').replaceAll(/[^\P{C}\n\t]/gu, '')
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const before = scrubbed
    scrubbed = scrubAddresses(scrubbed)
    for (const { pattern, mark } of RULES) scrubbed = scrubbed.replaceAll(pattern, mark)
    if (scrubbed === before) break
  }
  return scrubbed
}

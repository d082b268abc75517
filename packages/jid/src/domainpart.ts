/** RFC 7622 §3.2: the domainpart, as IPv6 literal or as NR-LDH labels and U-labels of IDNA 2008. */
import { isIPv6 } from 'node:net'
import { domainToASCII, domainToUnicode } from 'node:url'
import { isRightToLeft, labelSatisfiesBidiRule } from './bidi-rule.ts'
import { conformsTo, mapWidth } from './precis.ts'

const LABEL_BYTES_MAX = 63
/** Longest text looked at, in UTF-16 units: bounds the work that a name with many U-labels can ask for. */
const NAME_LENGTH_MAX = 1024
const LDH = /^[a-z0-9-]+$/

/** The letter-digit-hyphen rules that hold for A-labels, U-labels and plain labels alike. RFC 5891 §4.2.3.1 */
function hyphensAreRight(label: string): boolean {
  return !label.startsWith('-') && !label.endsWith('-') && label.slice(2, 4) !== '--'
}

/** A U-label that is canonical already, or undefined. RFC 5891 §4.2 */
function checkULabel(label: string): string | undefined {
  const stray = label.replaceAll(/[^\0-\x7f]/g, '')
  if (stray !== '' && !LDH.test(stray)) return undefined
  if (!hyphensAreRight(label) || /^\p{M}/u.test(label) || !conformsTo('identifier', label)) return undefined
  const ascii = domainToASCII(label)
  // NOTE: the way there and back also refuses what is not stable under case folding (RFC 5892 §2.2).
  const stable =
    ascii.startsWith('xn--') && ascii.length <= LABEL_BYTES_MAX && domainToUnicode(ascii) === label
  return stable ? label : undefined
}

function prepareLabel(text: string): string | undefined {
  const label = mapWidth(text).toLowerCase().normalize('NFC') // RFC 5895 §2
  if (!LDH.test(label)) return label === '' ? undefined : checkULabel(label)
  if (label.length > LABEL_BYTES_MAX) return undefined
  if (!label.startsWith('xn--')) return hyphensAreRight(label) ? label : undefined
  const decoded = domainToUnicode(label)
  return domainToASCII(decoded) === label && !LDH.test(decoded) ? checkULabel(decoded) : undefined
}

function prepareIPv6(text: string): string | undefined {
  const address = text.slice(1, -1)
  if (!text.endsWith(']') || address.includes('%') || !isIPv6(address)) return undefined
  return new URL(`ws://${text}`).hostname // the form of RFC 5952 §4
}

/**
 * The canonical domainpart: lower case, A-labels as U-labels, no trailing dot, IPv6 in brackets as RFC 5952 writes it.
 * Undefined when it is none. An IPv4 address passes as a name, unchanged. Undefined also when
 * the text is longer than 1024 UTF-16 units; that the result fits its 1023 bytes is left to the caller.
 */
export function prepareDomainpart(text: string): string | undefined {
  if (text.length > NAME_LENGTH_MAX) return undefined
  if (text.startsWith('[')) return prepareIPv6(text)
  const dotted = text.replaceAll(/[\u3002\uff0e\uff61]/g, '.') // RFC 7622 §3.2.1
  const name = dotted.endsWith('.') ? dotted.slice(0, -1) : dotted
  const labels = name.split('.').map(prepareLabel)
  if (!labels.every((label) => label !== undefined)) return undefined
  if (labels.some(isRightToLeft) && !labels.every(labelSatisfiesBidiRule)) return undefined // RFC 5893 §2
  return labels.join('.')
}

/** What an organisation may show on its pages: two colours that can be read on each other, and a picture that is one. */
import { HttpProblem } from '@sealpost/http'

/** Of text upon its background (WCAG 2.2 §1.4.3, level AA). */
const CONTRAST_MIN = 4.5

export const LOGO_BYTES_MAX = 65_536

/** By what their files begin with. No SVG: it can hold scripts and references to other hosts. */
const SIGNATURES: readonly { readonly type: string; readonly matches: (bytes: Buffer) => boolean }[] = [
  {
    type: 'image/png',
    matches: (bytes) => bytes.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex')),
  },
  { type: 'image/jpeg', matches: (bytes) => bytes.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex')) },
  {
    type: 'image/webp',
    matches: (bytes) =>
      bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP',
  },
]

/** The media type of a picture that pages may show. Throws 422 for anything else. */
export function logoType(bytes: Buffer): string {
  const found = SIGNATURES.find(({ matches }) => matches(bytes))
  if (found === undefined || bytes.length > LOGO_BYTES_MAX)
    throw new HttpProblem(422, 'logo-unacceptable', 'A logo is a PNG, JPEG or WebP of at most 64 KiB')
  return found.type
}

/** Throws 422 unless the text can be read on the background. */
export function checkContrast(background: string, text: string): void {
  const ratio = contrast(background, text)
  if (ratio >= CONTRAST_MIN) return
  throw new HttpProblem(
    422,
    'contrast-too-low',
    'The text cannot be read on its background: 4.5 to 1 is needed',
    {
      ratio: Math.round(ratio * 100) / 100,
    },
  )
}

/** WCAG 2.2, contrast ratio: 1 to 21. Colours are `#rrggbb`. */
export function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((from) => linear(parseInt(colour.slice(from, from + 2), 16) / 255))
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
}

function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
}

/** What an organisation may show on its pages: two colours that can be read on each other, and a picture that is one. */
import { logoType } from '@sealpost/accounts'
import { HttpProblem } from '@sealpost/http'

/** Of text upon its background (WCAG 2.2 §1.4.3, level AA). */
const CONTRAST_MIN = 4.5

/** Throws 422 for a picture that pages may not show. */
export function checkLogo(bytes: Buffer): void {
  if (logoType(bytes) === undefined)
    throw new HttpProblem(422, 'logo-unacceptable', 'A logo is a PNG, JPEG or WebP of at most 64 KiB')
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

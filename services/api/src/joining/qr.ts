/** QR codes (ISO/IEC 18004) of links: for pages and files as SVG, for terminals as text. */
import { renderSVG, renderUnicodeCompact } from 'uqr'

/** Modules of white around it, as the standard asks for. */
const QUIET_ZONE = 4

/** Black on white whatever the page is, since readers want contrast. Nothing in it can be run or loaded. */
export function qrSvg(text: string): string {
  return renderSVG(text, { border: QUIET_ZONE, ecc: 'M' })
}

/** Two modules a character. */
export function qrText(text: string): string {
  return renderUnicodeCompact(text, { border: 1, ecc: 'L' })
}

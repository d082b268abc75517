/** How pages look that are shown for an organisation: what it does not say itself is as above it. */
import { domainToASCII } from 'node:url'
import type { Organisation } from './organisation.ts'
import type { Organisations } from './organisations.ts'

/** Undefined: as the server's pages are. */
export interface Branding {
  readonly name: string | undefined
  readonly colours: { readonly background: string; readonly text: string } | undefined
  readonly logo: { readonly type: string; readonly bytes: Buffer } | undefined
  /** Where their readers get help. */
  readonly supportUrl: string | undefined
}

/** The most that is taken of a logo. */
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

/** The media type of a picture that pages may show; undefined for anything else. */
export function logoType(bytes: Buffer): string | undefined {
  return bytes.length > LOGO_BYTES_MAX ? undefined : SIGNATURES.find(({ matches }) => matches(bytes))?.type
}

/** The look of the pages on that host, as a browser names it. */
export async function brandingOfHost(organisations: Organisations, host: string): Promise<Branding> {
  const organisation = await organisations.byBrandDomain(domainToASCII(host))
  return brandingOf(organisations, organisation)
}

export async function brandingOf(
  organisations: Organisations,
  organisation: Organisation | undefined,
): Promise<Branding> {
  const [...ids] = organisation?.path ?? []
  const line: Organisation[] = []
  for (const id of ids.toReversed()) {
    const found = id === organisation?.id ? organisation : await organisations.find(id)
    if (found !== undefined) line.push(found)
  }
  const pictured = line.find(({ brand }) => brand.hasLogo)
  const bytes = pictured && (await organisations.logo(pictured.id))
  const type = bytes && logoType(bytes)
  return {
    name: line.find(({ brand }) => brand.name !== undefined)?.brand.name,
    colours: line.find(({ brand }) => brand.colours !== undefined)?.brand.colours,
    supportUrl: line.find(({ brand }) => brand.supportUrl !== undefined)?.brand.supportUrl,
    logo: type === undefined || bytes === undefined ? undefined : { type, bytes },
  }
}

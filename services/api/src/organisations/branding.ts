/** How pages look that are shown for an organisation: what it does not say itself is as above it. */
import type { Organisation, Organisations } from '@sealpost/accounts'
import { logoType } from './brand.ts'

/** Undefined: as the server's pages are. */
export interface Branding {
  readonly name: string | undefined
  readonly colours: { readonly background: string; readonly text: string } | undefined
  readonly logo: { readonly type: string; readonly bytes: Buffer } | undefined
  /** Where their readers get help. */
  readonly supportUrl: string | undefined
}

/** The look of the pages on that host. */
export async function brandingOfDomain(organisations: Organisations, domain: string): Promise<Branding> {
  const organisation = await organisations.byBrandDomain(domain)
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
  return {
    name: line.find(({ brand }) => brand.name !== undefined)?.brand.name,
    colours: line.find(({ brand }) => brand.colours !== undefined)?.brand.colours,
    supportUrl: line.find(({ brand }) => brand.supportUrl !== undefined)?.brand.supportUrl,
    logo: bytes && { type: logoType(bytes), bytes },
  }
}

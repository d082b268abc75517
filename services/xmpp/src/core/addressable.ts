/** One presence stanza written for many recipients. */
import { attributesToString, type Element, escapeXml } from '@sealpost/stanza'

/** Serialises the stanza once; the returned function addresses it. */
export function addressable(presence: Element): (to: string) => string {
  const start = `<presence${attributesToString({ ...presence.attrs, to: undefined })}`
  const end = presence.children.length === 0 ? '/>' : `>${presence.innerXml()}</presence>`
  return (to) => `${start} to='${escapeXml(to)}'${end}`
}

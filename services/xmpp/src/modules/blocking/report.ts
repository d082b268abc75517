/**
 * XEP-0377 Blocking Command Reports: why somebody was blocked, for the abuse desk. Messages are named by their stanza ids (XEP-0359) alone, whatever else a client puts
 * in: nobody but its sender decides what of it is told. First and last name and a contact, which the policy asks for, come as a vCard (RFC 6351) if a client gives one;
 * reports without are kept apart.
 */
import type { CommandValues } from '@sealpost/ports'
import { type Element, NS_REPORTING, NS_SID, NS_VCARD4, StanzaError } from '@sealpost/stanza'

/** XEP-0377 §9.3: reasons, and what the desk calls them. */
const CATEGORIES: Readonly<Record<string, string>> = {
  'urn:xmpp:reporting:spam': 'spam',
  'urn:xmpp:reporting:abuse': 'other',
}
const STANZA_IDS_MAX = 20
/** Visible characters, as clients and servers make them: no room for words. */
const STANZA_ID = /^[\x21-\x7e]{1,64}$/
const TEXT_LENGTH_MAX = 8_000
const NAME_LENGTH_MAX = 100
const CONTACT_LENGTH_MAX = 320

/** Fields of the command that files it. Undefined: the item has no report. Throws StanzaError. */
export function readReport(item: Element, about: string): CommandValues | undefined {
  const report = item.child('report', NS_REPORTING)
  if (report === undefined) return undefined
  const category = CATEGORIES[report.attrs['reason'] ?? '']
  if (category === undefined) throw new StanzaError('modify', 'bad-request') // XEP-0377 §3
  const ids = stanzaIds(report)
  const fields = {
    category,
    about,
    text:
      said(report.child('text'), TEXT_LENGTH_MAX) ?? `Reported as ${category} while blocking, without words.`,
    headers: ids.length === 0 ? undefined : ids.map((id) => `Stanza-Id: ${id}`).join('\n'),
    ...reporter(report.child('vcard', NS_VCARD4)),
  }
  const given = Object.entries(fields).filter(([, value]) => value !== undefined) as [string, string][]
  return Object.fromEntries(given.map(([name, value]) => [name, [value]]))
}

function stanzaIds(report: Element): string[] {
  const ids = report.childrenNamed('stanza-id', NS_SID).map(({ attrs }) => attrs['id'] ?? '')
  if (ids.length > STANZA_IDS_MAX || ids.some((id) => !STANZA_ID.test(id)))
    throw new StanzaError('modify', 'bad-request')
  return ids
}

/** RFC 6351 §6: names, and the first address or number. */
function reporter(vcard: Element | undefined) {
  const name = vcard?.child('n')
  const contact = vcard?.child('email')?.child('text') ?? vcard?.child('tel')?.child('uri')
  return {
    first_name: line(name?.child('given'), NAME_LENGTH_MAX),
    last_name: line(name?.child('surname'), NAME_LENGTH_MAX),
    contact: line(contact, CONTACT_LENGTH_MAX)?.replace(/^tel:/, ''),
  }
}

function said(given: Element | undefined, lengthMax: number): string | undefined {
  const text = given?.text().replaceAll('\u007f', '').trim().slice(0, lengthMax).toWellFormed()
  return text === '' ? undefined : text
}

function line(given: Element | undefined, lengthMax: number): string | undefined {
  return said(given, lengthMax)?.replaceAll(/\s+/g, ' ')
}

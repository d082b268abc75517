/** XEP-0045 §15.5.3, muc#roomconfig: what owners decide, the name and who invites. The rest is fixed, and shown as it is: for members only, not anonymous, hidden, kept until destroyed. */
import { type Element, element, NS_DATA } from '@sealpost/stanza'
import { refuse } from './refusals.ts'
import type { RoomConfig } from './store.ts'

export const FORM_CONFIG = 'http://jabber.org/protocol/muc#roomconfig'
const NAME_CHARS_MAX = 100
const FIELDS_MAX = 100
const NAME = 'muc#roomconfig_roomname'
const INVITES = 'muc#roomconfig_allowinvites'

interface Fixed {
  readonly type: 'boolean' | 'list-single'
  readonly label: string
  readonly value: string
}

const FIXED: Readonly<Record<string, Fixed>> = {
  'muc#roomconfig_persistentroom': { type: 'boolean', label: 'Kept until it is destroyed', value: '1' },
  'muc#roomconfig_membersonly': { type: 'boolean', label: 'For members only', value: '1' },
  'muc#roomconfig_publicroom': { type: 'boolean', label: 'Found by everybody', value: '0' },
  'muc#roomconfig_whois': { type: 'list-single', label: 'Who sees addresses', value: 'anyone' },
}

export function configForm({ name, allowInvites }: RoomConfig): Element {
  return element(
    'x',
    NS_DATA,
    { type: 'form' },
    element('title', NS_DATA, {}, 'Group'),
    field('FORM_TYPE', 'hidden', undefined, FORM_CONFIG),
    field(NAME, 'text-single', 'Name', name),
    field(INVITES, 'boolean', 'Members may invite others', allowInvites ? '1' : '0'),
    ...Object.entries(FIXED).map(([name_, { type, label, value }]) =>
      field(name_, type, label, value, type === 'list-single' ? [value] : []),
    ),
  )
}

function field(
  name: string,
  type: string,
  label: string | undefined,
  value: string,
  options: readonly string[] = [],
): Element {
  return element(
    'field',
    NS_DATA,
    { var: name, type, label },
    ...options.map((option) => element('option', NS_DATA, {}, element('value', NS_DATA, {}, option))),
    element('value', NS_DATA, {}, value),
  )
}

/** What was submitted, in place of what holds; unknown options mean nothing here. Throws StanzaError. */
export function readConfig(form: Element, config: RoomConfig): RoomConfig {
  const values = new Map<string, string>()
  const fields = form.childrenNamed('field')
  if (fields.length > FIELDS_MAX) throw refuse.malformed()
  for (const each of fields) {
    const name = each.attrs['var']
    const value = each.child('value')?.text()
    if (name !== undefined && value !== undefined) values.set(name, value)
  }
  const formType = values.get('FORM_TYPE')
  if (formType !== undefined && formType !== FORM_CONFIG) throw refuse.malformed()
  for (const [name, { type, value: only }] of Object.entries(FIXED)) {
    const given = values.get(name)
    if (given === undefined) continue
    if ((type === 'boolean' ? readBoolean(given) : given) !== (type === 'boolean' ? only === '1' : only))
      throw refuse.fixedConfig()
  }
  const name = values.get(NAME)?.trim() ?? config.name
  if (name.length > NAME_CHARS_MAX || /\p{Cc}/u.test(name)) throw refuse.fixedConfig()
  const invites = values.get(INVITES)
  return { name, allowInvites: invites === undefined ? config.allowInvites : readBoolean(invites) }
}

/** XEP-0004 §3.3 */
function readBoolean(value: string): boolean {
  if (value === '1' || value === 'true') return true
  if (value === '0' || value === 'false') return false
  throw refuse.malformed()
}

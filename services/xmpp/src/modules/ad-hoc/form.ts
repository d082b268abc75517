/** Fields of commands as data forms (XEP-0004), and what was filled in. */
import type { CommandField, CommandFieldKind, CommandForm, CommandValues } from '@sealpost/ports'
import { type Element, element, NS_DATA } from '@sealpost/stanza'

/** XEP-0004 §3.3 */
const TYPES: Readonly<Record<CommandFieldKind, string>> = {
  text: 'text-single',
  secret: 'text-private',
  number: 'text-single',
  flag: 'boolean',
  choice: 'list-single',
  choices: 'list-multi',
  address: 'jid-single',
  addresses: 'jid-multi',
}

const FIELDS_MAX = 100
const VALUES_MAX = 1_000

const FORM_TYPE = 'FORM_TYPE'

export function commandForm({
  title,
  formType,
  fields,
}: Pick<CommandForm, 'title' | 'fields'> & { readonly formType?: string }): Element {
  return element(
    'x',
    NS_DATA,
    { type: 'form' },
    element('title', NS_DATA, {}, title),
    ...(formType === undefined ? [] : [hidden(formType)]),
    ...fields.map(showField),
  )
}

/** XEP-0068 §3 */
function hidden(formType: string): Element {
  return element(
    'field',
    NS_DATA,
    { var: FORM_TYPE, type: 'hidden' },
    element('value', NS_DATA, {}, formType),
  )
}

function showField({ name, kind, required, label, options }: CommandField): Element {
  return element(
    'field',
    NS_DATA,
    { var: name, type: TYPES[kind], label },
    ...(required ? [element('required', NS_DATA)] : []),
    ...options.map((option) =>
      element('option', NS_DATA, { label: option }, element('value', NS_DATA, {}, option)),
    ),
  )
}

/** XEP-0004 §3.2: the values of the one submitted form; undefined when there is none, or it is malformed, or another. */
export function readSubmission(command: Element, formType?: string): CommandValues | undefined {
  const [form, ...others] = command.childrenNamed('x', NS_DATA)
  if (form === undefined || others.length > 0 || form.attrs['type'] !== 'submit') return undefined
  const fields = form.childrenNamed('field')
  if (fields.length > FIELDS_MAX) return undefined
  const values = new Map<string, readonly string[]>()
  for (const field of fields) {
    const name = field.attrs['var']
    const given = field.childrenNamed('value').map((value) => value.text())
    if (name === undefined || values.has(name) || given.length > VALUES_MAX) return undefined
    values.set(name, given)
  }
  const given = values.get(FORM_TYPE)
  if (formType !== undefined && given !== undefined && given[0] !== formType) return undefined
  return Object.fromEntries(values)
}

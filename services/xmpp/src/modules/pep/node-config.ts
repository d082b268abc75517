/** Node configuration as data forms (XEP-0060 §16.4.4, XEP-0004), and which options this server has. */
import { type Element, element, NS_DATA, NS_PUBSUB, StanzaError } from '@sealpost/stanza'
import { refuse } from './errors.ts'
import { accessModels, type NodeConfig, sendLastModes } from './store.ts'

export const FORM_NODE_CONFIG = `${NS_PUBSUB}#node_config`
export const FORM_PUBLISH_OPTIONS = `${NS_PUBSUB}#publish-options`

/** XEP-0163 §3, XEP-0060 §9.2: what a node is unless told otherwise. */
export const defaultConfig: NodeConfig = {
  accessModel: 'presence',
  persistItems: true,
  maxItems: 1,
  sendLast: 'on_sub_and_presence',
  notifyDelete: true,
  notifyRetract: true,
  deliverPayloads: true,
}

/** Options that have one possible value here; clients send them all the same. */
const fixedOptions: Readonly<Record<string, readonly string[]>> = {
  'pubsub#publish_model': ['publishers'],
  'pubsub#notify_config': ['0', 'false'],
  'pubsub#notify_sub': ['0', 'false'],
  'pubsub#notification_type': ['headline'],
  'pubsub#purge_offline': ['0', 'false'],
  'pubsub#presence_based_delivery': ['0', 'false'],
  'pubsub#item_expire': ['max'],
}

/** How a bad form is refused: it depends on the request that it came with. */
export interface Refusals {
  readonly option: () => StanzaError
  readonly accessModel: () => StanzaError
}

/** The configuration that a submitted form asks for; only what it names. Throws StanzaError. */
export function readConfigForm(
  form: Element,
  formType: string,
  itemsMax: number,
  refusals: Refusals,
): Partial<NodeConfig> {
  let config: Partial<NodeConfig> = {}
  for (const [name, value] of readFields(form, formType)) {
    config = { ...config, ...readOption(name, value, itemsMax, refusals) }
  }
  return config
}

function readOption(name: string, value: string, itemsMax: number, refusals: Refusals): Partial<NodeConfig> {
  switch (name) {
    case 'pubsub#access_model':
      return { accessModel: oneOf(accessModels, value, refusals.accessModel) }
    case 'pubsub#send_last_published_item':
      return { sendLast: oneOf(sendLastModes, value, refusals.option) }
    case 'pubsub#max_items':
      return { maxItems: readMaxItems(value, itemsMax, refusals.option) }
    case 'pubsub#persist_items':
      return { persistItems: readBoolean(value, refusals.option) }
    case 'pubsub#notify_delete':
      return { notifyDelete: readBoolean(value, refusals.option) }
    case 'pubsub#notify_retract':
      return { notifyRetract: readBoolean(value, refusals.option) }
    case 'pubsub#deliver_payloads':
      return { deliverPayloads: readBoolean(value, refusals.option) }
    default:
      if (!Object.hasOwn(fixedOptions, name) || !fixedOptions[name]?.includes(value)) throw refusals.option()
      return {}
  }
}

/** What a form of another server says that can be so here: fields may be empty, and an access model that is not known here becomes the closest one. */
export function readForeignConfig(form: Element, itemsMax: number): Partial<NodeConfig> {
  let config: Partial<NodeConfig> = {}
  for (const entry of form.childrenNamed('field')) {
    const value = entry.child('value')?.text()
    if (value !== undefined)
      config = { ...config, ...readForeignOption(entry.attrs['var'] ?? '', value, itemsMax) }
  }
  return config
}

function readForeignOption(name: string, value: string, itemsMax: number): Partial<NodeConfig> {
  if (name === 'pubsub#access_model')
    return { accessModel: accessModels.find((model) => model === value) ?? 'whitelist' }
  const isMore = name === 'pubsub#max_items' && Number(value) > itemsMax
  try {
    return readOption(name, isMore ? 'max' : value, itemsMax, foreignRefusals)
  } catch (error) {
    if (error instanceof StanzaError) return {}
    throw error
  }
}

const foreignRefusals: Refusals = { option: refuse.option, accessModel: refuse.accessModel }

/** Whether the configuration is what the preconditions ask for (XEP-0060 §7.1.5). */
export function meets(config: NodeConfig, preconditions: Partial<NodeConfig>): boolean {
  const wanted: NodeConfig = { ...config, ...preconditions }
  return (Object.keys(config) as (keyof NodeConfig)[]).every((option) => config[option] === wanted[option])
}

/** The form that shows a configuration (XEP-0060 §8.2.2). */
export function configForm(config: NodeConfig, itemsMax: number): Element {
  const list = (name: string, values: readonly string[], value: string) =>
    field(
      name,
      'list-single',
      value,
      ...values.map((option) => element('option', NS_DATA, {}, valueElement(option))),
    )
  return element(
    'x',
    NS_DATA,
    { type: 'form' },
    field('FORM_TYPE', 'hidden', FORM_NODE_CONFIG),
    list('pubsub#access_model', accessModels, config.accessModel),
    list('pubsub#send_last_published_item', sendLastModes, config.sendLast),
    field('pubsub#max_items', 'text-single', config.maxItems === itemsMax ? 'max' : String(config.maxItems)),
    field('pubsub#persist_items', 'boolean', flag(config.persistItems)),
    field('pubsub#notify_delete', 'boolean', flag(config.notifyDelete)),
    field('pubsub#notify_retract', 'boolean', flag(config.notifyRetract)),
    field('pubsub#deliver_payloads', 'boolean', flag(config.deliverPayloads)),
  )
}

function field(name: string, type: string, value: string, ...options: Element[]): Element {
  return element('field', NS_DATA, { var: name, type }, ...options, valueElement(value))
}

function valueElement(value: string): Element {
  return element('value', NS_DATA, {}, value)
}

function flag(value: boolean): string {
  return value ? '1' : '0'
}

/** XEP-0004 §3.3, XEP-0068: name and value of each field but FORM_TYPE, which must fit. */
function readFields(form: Element, formType: string): Map<string, string> {
  if (!form.is('x', NS_DATA) || form.attrs['type'] !== 'submit') throw refuse.badRequest()
  const fields = new Map<string, string>()
  for (const entry of form.childrenNamed('field')) {
    const name = entry.attrs['var']
    const values = entry.childrenNamed('value').map((value) => value.text())
    if (name === undefined || fields.has(name) || values.length !== 1) throw refuse.badRequest()
    fields.set(name, values[0] ?? '')
  }
  if ((fields.get('FORM_TYPE') ?? formType) !== formType) throw refuse.badRequest()
  fields.delete('FORM_TYPE')
  return fields
}

function oneOf<T extends string>(values: readonly T[], value: string, refusal: () => StanzaError): T {
  const found = values.find((candidate) => candidate === value)
  if (found === undefined) throw refusal()
  return found
}

function readBoolean(value: string, refusal: () => StanzaError): boolean {
  if (value === '1' || value === 'true') return true
  if (value === '0' || value === 'false') return false
  throw refusal()
}

/** XEP-0060 §16.4.4: a positive number or `max`. */
function readMaxItems(value: string, itemsMax: number, refusal: () => StanzaError): number {
  if (value === 'max') return itemsMax
  const count = /^\d{1,6}$/.test(value) ? Number.parseInt(value, 10) : 0
  if (count < 1 || count > itemsMax) throw refusal()
  return count
}

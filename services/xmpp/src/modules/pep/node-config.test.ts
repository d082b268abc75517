import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readElement, StanzaError } from '@sealpost/stanza'
import { refuse } from './errors.ts'
import { configForm, defaultConfig, FORM_NODE_CONFIG, meets, readConfigForm } from './node-config.ts'

const refusals = { option: refuse.option, accessModel: refuse.accessModel }

function formXml(
  fields: readonly (readonly [string, string])[],
  type = 'submit',
  formType = FORM_NODE_CONFIG,
): string {
  const inner = fields.map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
  const hidden = `<field var='FORM_TYPE' type='hidden'><value>${formType}</value></field>`
  return `<x xmlns='jabber:x:data' type='${type}'>${hidden}${inner.join('')}</x>`
}

function read(xml: string) {
  return readConfigForm(readElement(xml), FORM_NODE_CONFIG, 1000, refusals)
}

test('reads what a form names and nothing else', () => {
  expect(read(formXml([['pubsub#access_model', 'open']]))).toEqual({ accessModel: 'open' })
  const fields = [
    ['pubsub#access_model', 'whitelist'],
    ['pubsub#persist_items', 'true'],
    ['pubsub#max_items', 'max'],
    ['pubsub#send_last_published_item', 'never'],
    ['pubsub#notify_delete', '0'],
    ['pubsub#notify_retract', '1'],
    ['pubsub#publish_model', 'publishers'],
  ] as const
  expect(read(formXml(fields))).toEqual({
    accessModel: 'whitelist',
    persistItems: true,
    maxItems: 1000,
    sendLast: 'never',
    notifyDelete: false,
    notifyRetract: true,
  })
})

test('what the server shows, it reads back', () => {
  const config = { ...defaultConfig, maxItems: 1000, notifyDelete: false }
  const shown = configForm(config, 1000).withAttrs({ type: 'submit' })
  expect(readConfigForm(shown, FORM_NODE_CONFIG, 1000, refusals)).toEqual(config)
})

test.each([
  ['pubsub#access_model', 'authorize', 'not-acceptable'],
  ['pubsub#access_model', 'roster', 'not-acceptable'],
  ['pubsub#max_items', '0', 'not-acceptable'],
  ['pubsub#max_items', '1001', 'not-acceptable'],
  ['pubsub#max_items', '-1', 'not-acceptable'],
  ['pubsub#max_items', '1e2', 'not-acceptable'],
  ['pubsub#persist_items', 'yes', 'not-acceptable'],
  ['pubsub#publish_model', 'open', 'not-acceptable'],
  ['pubsub#whatever', '1', 'not-acceptable'],
  ['toString', '1', 'not-acceptable'],
  ['FORM_TYPE', FORM_NODE_CONFIG, 'bad-request'],
])('refuses %s = %s', (name, value, condition) => {
  expect(() => read(formXml([[name, value]]))).toThrow(condition)
})

test.each([
  ['another form', formXml([], 'submit', 'urn:other')],
  ['a form that is not submitted', formXml([], 'form')],
  ['no form', '<x xmlns="urn:x"/>'],
  ['a field twice', formXml([1, 2].map(() => ['pubsub#max_items', '1'] as const))],
  ['a field without value', `<x xmlns='jabber:x:data' type='submit'><field var='pubsub#max_items'/></x>`],
])('refuses %s', (_, xml) => {
  expect(() => read(xml)).toThrow('bad-request')
})

test('any field and any value is read or refused with a stanza error', () => {
  const name = fc.oneof(fc.constantFrom('pubsub#max_items', 'pubsub#access_model', '__proto__'), fc.string())
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string()), { maxLength: 4 }), (fields) => {
      const xml = readElement('<x xmlns="jabber:x:data" type="submit"/>').withChildren(
        fields.map(([field, value]) =>
          readElement('<field xmlns="jabber:x:data"/>')
            .withAttrs({ var: field })
            .withChildren([readElement('<value xmlns="jabber:x:data"/>').withChildren([value])]),
        ),
      )
      try {
        readConfigForm(xml, FORM_NODE_CONFIG, 1000, refusals)
      } catch (error) {
        expect(error).toBeInstanceOf(StanzaError)
      }
    }),
    { interruptAfterTimeLimit: 2000 },
  )
})

test('preconditions are met by equal values only', () => {
  expect(meets(defaultConfig, {})).toBe(true)
  expect(meets(defaultConfig, { accessModel: 'presence', maxItems: 1 })).toBe(true)
  expect(meets(defaultConfig, { accessModel: 'open' })).toBe(false)
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { element, NS_DATA, NS_DISCO_INFO, readElement } from '@sealpost/stanza'
import { readCapabilities, verificationHash } from './verification-string.ts'

function readQuery(inner: string) {
  return readElement(`<query xmlns='${NS_DISCO_INFO}'>${inner}</query>`)
}

const features = [
  'http://jabber.org/protocol/muc',
  'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/disco#items',
  'http://jabber.org/protocol/caps',
].map((name) => `<feature var='${name}'/>`)

const softwareForm = `
  <x xmlns='${NS_DATA}' type='result'>
    <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
    <field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>
    <field var='os'><value>Mac</value></field>
    <field var='os_version'><value>10.5.1</value></field>
    <field var='software'><value>Psi</value></field>
    <field var='software_version'><value>0.11</value></field>
  </x>`

describe('the examples of the specification', () => {
  test('XEP-0115 §5.2: simple', () => {
    const query = readQuery(`<identity category='client' name='Exodus 0.9.1' type='pc'/>${features.join('')}`)
    expect(readCapabilities(query).ver).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=')
    expect(verificationHash(query.elements())).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=')
  })

  test('XEP-0115 §5.3: identities in two languages, and a form', () => {
    const identities = `<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
      <identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>`
    const query = readQuery(`${identities}${features.join('')}${softwareForm}`)
    expect(readCapabilities(query).ver).toBe('q07IKJEyjvHSyhy//CH0CxmKi8w=')
  })
})

describe('ill-formed answers are not believed, XEP-0115 §5.4', () => {
  const identity = `<identity category='client' type='pc' name='x'/>`
  const form = (type: string, value = 'v') =>
    `<x xmlns='${NS_DATA}'><field var='FORM_TYPE' type='hidden'>${type}</field>
     <field var='f'><value>${value}</value></field></x>`
  test.each([
    ['the same identity twice', identity + identity],
    ['the same feature twice', `${features.join('')}${features[0]}`],
    ['two forms of one type', form('<value>a</value>') + form('<value>a</value>', 'w')],
    ['a form of two types', form('<value>a</value><value>b</value>')],
    ['a form type without value', form('')],
    ['a separator inside a feature', `<feature var='a&lt;b'/>`],
    ['a separator inside a form', form('<value>a</value>', 'v&lt;w')],
    [
      'more features than anybody has',
      Array.from({ length: 600 }, (_, i) => `<feature var='f${i}'/>`).join(''),
    ],
    ['features of great length', `<feature var='${'f'.repeat(40_000)}'/>`],
  ])('%s', (_, inner) => {
    expect(readCapabilities(readQuery(inner)).ver).toBeUndefined()
  })

  test('a form without a hidden type does not count', () => {
    const plain = `<x xmlns='${NS_DATA}'><field var='FORM_TYPE'><value>a</value></field></x>`
    expect(readCapabilities(readQuery(identity + plain)).ver).toBe(readCapabilities(readQuery(identity)).ver)
  })

  test('an oversized answer is not kept', () => {
    expect(readCapabilities(readQuery(`<feature var='${'f'.repeat(40_000)}'/>`)).features.size).toBe(0)
  })
})

test('the hash does not depend on order, and tells different sets apart', () => {
  const names = fc.uniqueArray(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 8 })
  const ver = (list: readonly string[]) =>
    readCapabilities(
      element(
        'query',
        NS_DISCO_INFO,
        {},
        ...list.map((name) => element('feature', NS_DISCO_INFO, { var: name })),
      ),
    ).ver
  fc.assert(
    fc.property(names, names, (some, others) => {
      fc.pre(![...some, ...others].some((name) => name.includes('<')))
      expect(ver(some)).toBe(ver(some.toReversed()))
      const isSame = new Set(some).symmetricDifference(new Set(others)).size === 0
      expect(ver(some) === ver(others)).toBe(isSame)
    }),
    { interruptAfterTimeLimit: 2000 },
  )
})

test('whatever a client answers is read without an exception, and within bounds', () => {
  const text = fc.string()
  const value = text.map((content) => element('value', NS_DATA, {}, content))
  const name = fc.oneof(text, fc.constant('FORM_TYPE'))
  const field = fc
    .tuple(name, fc.constantFrom('hidden', 'x', undefined), fc.array(value, { maxLength: 3 }))
    .map(([key, type, values]) => element('field', NS_DATA, { var: key, type }, ...values))
  const form = fc.array(field, { maxLength: 4 }).map((fields) => element('x', NS_DATA, {}, ...fields))
  const feature = fc.option(text).map((key) => element('feature', NS_DISCO_INFO, { var: key ?? undefined }))
  const identity = fc
    .tuple(text, fc.option(text))
    .map(([category, type]) => element('identity', NS_DISCO_INFO, { category, type: type ?? undefined }))
  const parts = fc.array(fc.oneof(form, feature, identity, text), { maxLength: 12 })
  fc.assert(
    fc.property(parts, (children) => {
      const read = readCapabilities(element('query', NS_DISCO_INFO, {}, ...children))
      expect(read.features.size).toBeLessThanOrEqual(12)
      expect(read.ver === undefined || read.ver.length === 28).toBe(true)
    }),
    { interruptAfterTimeLimit: 2000 },
  )
})

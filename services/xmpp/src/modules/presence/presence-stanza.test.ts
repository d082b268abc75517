import { expect, test } from 'vitest'
import { readElement } from '@sealpost/stanza'
import { addressable } from '../../core/module.ts'
import { readPriority } from './presence-stanza.ts'

test.each([
  ['<presence/>', 0],
  ['<presence><priority>5</priority></presence>', 5],
  ['<presence><priority> -128 </priority></presence>', -128],
  ['<presence><priority>+127</priority></presence>', 127],
  ['<presence><priority xmlns="urn:x">999</priority></presence>', 0],
])('RFC 6121 §4.7.2.3: %s has priority %d', (xml, priority) => {
  expect(readPriority(readElement(xml))).toBe(priority)
})

test.each(['', '128', '-129', '1.5', '1e1', '0x1', '٣', 'high', '99999999999'])(
  'RFC 6121 §4.7.2.3: priority "%s" is a bad request',
  (text) => {
    expect(() => readPriority(readElement(`<presence><priority>${text}</priority></presence>`))).toThrow(
      'bad-request',
    )
  },
)

test('a presence stanza is addressed without being changed', () => {
  const to = addressable(
    readElement(`<presence from='a@b/c' to='x' xml:lang='de'><status>a &amp; b</status></presence>`),
  )
  expect(to(`d@e/f'"`)).toBe(
    `<presence from='a@b/c' xml:lang='de' to='d@e/f&apos;&quot;'><status>a &amp; b</status></presence>`,
  )
  expect(addressable(readElement('<presence/>'))('a@b')).toBe(`<presence to='a@b'/>`)
})

import * as fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { expect, test } from 'vitest'
import { XmlReader } from './xml-reader.ts'

/** What was read, as `name(` and `text)`, in pieces of `size` characters; undefined: it is no document. */
function read(text: string, size = text.length): string[] | undefined {
  const events: string[] = []
  const reader = new XmlReader({
    open: (name) => events.push(`${name}(`),
    close: (found) => events.push(`${found})`),
  })
  for (let at = 0; at < text.length; at += size) reader.write(text.slice(at, at + size))
  return reader.end() ? events : undefined
}

test.each([
  ['<a/>', ['a(', ')']],
  ['\uFEFF<?xml version="1.0"?>\n<!-- x > y --><a x="1>2" y=\'"\'>t<b>u</b></a >\n', ['a(', 'b(', 'u)', ')']],
  ['<x:a xmlns:x="urn:y">&lt;&#65;&#x42;&amp;&quot;<![CDATA[<&]]></x:a>', ['a(', '<AB&"<&)']],
])('%s is read, whole and in pieces', (text, events) => {
  expect(read(text)).toEqual(events)
  for (const size of [1, 2, 3, 7]) expect(read(text, size)).toEqual(events)
})

test.each([
  ['nothing', ''],
  ['no end', '<a>'],
  ['another end', '<a></b>'],
  ['two roots', '<a/><a/>'],
  ['text outside', '<a/>x'],
  ['a document type', '<!DOCTYPE a><a/>'],
  ['an entity of its own', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
  ['an unknown entity', '<a>&x;</a>'],
  ['a bare ampersand', '<a>x & y</a>'],
  ['an entity without end', '<a>&amp</a>'],
  ['a character that is none', '<a>&#x110000;</a>'],
  ['no name', '<1/>'],
  ['an attribute without quotes', '<a b=c/>'],
  ['depth', '<a>'.repeat(33) + '</a>'.repeat(33)],
  ['a long text', `<a>${'x'.repeat(70_000)}</a>`],
  ['a long tag', `<a ${'x'.repeat(70_000)}`],
])('%s is refused, whole and in pieces', (_what, text) => {
  expect(read(text)).toBeUndefined()
  expect(read(text, 1 + (text.length >> 5))).toBeUndefined()
})

const name = fc.stringMatching(/^[a-z][\w.-]{0,5}$/)
const content = fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[\p{Cc}\uFFFE\uFFFF<&\]]/gu, ' '))
const element = fc.letrec<{ tree: string; leaf: string; branch: string }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('branch')),
  leaf: fc.tuple(name, content).map(([tag, text]) => `<${tag}>${text}</${tag}>`),
  branch: fc
    .tuple(name, content, fc.array(tie('tree'), { maxLength: 3 }), content)
    .map(
      ([tag, before, children, after]) => `<${tag} q="${tag}">${before}${children.join('')}${after}</${tag}>`,
    ),
})).tree

test('documents are read as saxes reads them', () => {
  fc.assert(
    fc.property(element, fc.integer({ min: 1, max: 40 }), (text, size) => {
      const parser = new SaxesParser()
      const events: string[] = []
      let found = ''
      parser.on('opentag', (tag) => {
        events.push(`${tag.name}(`)
        found = ''
      })
      parser.on('text', (more) => (found += more))
      parser.on('closetag', () => {
        events.push(`${found})`)
        found = ''
      })
      parser.write(text).close()
      expect(read(text, size)).toEqual(events)
    }),
    { numRuns: 200 },
  )
})

test('whatever comes in, reading ends, and in pieces as it does whole', () => {
  const soup = fc
    .array(
      fc.constantFrom(
        '<',
        '>',
        '/',
        'a',
        '!',
        '--',
        '<![CDATA[',
        ']]>',
        '<?',
        '?>',
        '"',
        '=',
        ' ',
        '&',
        ';',
        '#x',
        '1',
      ),
    )
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(soup, fc.integer({ min: 1, max: 9 }), (text, size) => {
      expect(read(text, size)).toEqual(read(text))
    }),
    { numRuns: 500 },
  )
})

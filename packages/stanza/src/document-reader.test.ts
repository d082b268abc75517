import { describe, expect, test } from 'vitest'
import { DocumentReader, type DocumentPart } from './document-reader.ts'
import type { Element } from './element.ts'

/** `list` and `group` hold others, `junk` is passed over, everything else is read. */
function decide({ name }: Element): 'open' | 'read' | 'skip' {
  if (name === 'list' || name === 'group') return 'open'
  return name === 'junk' ? 'skip' : 'read'
}

function show(part: DocumentPart): string {
  switch (part.kind) {
    case 'open':
      return `<${part.element.name}>`
    case 'close':
      return '</>'
    case 'element':
      return part.element.toString('')
    case 'skipped':
      return `${part.element.name} ${part.why}`
    case 'broken':
      return part.condition
    case 'end':
  }
  return 'end'
}

function read(text: string | Buffer, pieceBytes = Infinity, elementBytesMax = 1000): string[] {
  const reader = new DocumentReader({ decide, elementBytesMax })
  const bytes = Buffer.from(text)
  const parts: DocumentPart[] = []
  for (let pos = 0; pos < bytes.length; pos += pieceBytes)
    parts.push(...reader.write(bytes.subarray(pos, pos + pieceBytes)))
  return [...parts, ...reader.end()].map(show)
}

const DOCUMENT = `<?xml version='1.0' encoding='UTF-8'?>
<list xmlns='urn:a' xmlns:p='urn:p' title="a &gt; b">
  <group name='é>"'>
    <p:item n='1'><q><![CDATA[ <&]] > ]]></q> &amp; ☃</p:item>
    <junk><item/><!-- --></junk>
    <empty/>
  </group><group/>
  <x:other xmlns:x='urn:x'/>
</list>
`

describe('DocumentReader', () => {
  const expected = [
    '<list>',
    '<group>',
    "<item xmlns='urn:p' n='1'><q xmlns='urn:a'> &lt;&amp;]] &gt; </q> &amp; ☃</item>",
    '</>',
    '<group>',
    '</>',
    "<other xmlns='urn:x'/>",
    '</>',
    'end',
  ]

  test('opens what holds others, reads what is in it, whatever the pieces', () => {
    const text = DOCUMENT.replace('<!-- -->', 'text')
    const all = expected.toSpliced(3, 0, 'junk unwanted', "<empty xmlns='urn:a'/>")
    for (let size = 1; size < 80; size++) expect(read(text, size)).toEqual(all)
    expect(read(text)).toEqual(all)
    expect(read('  ')).toEqual([])
    expect(read('<list/>')).toEqual(['<list>', '</>', 'end'])
    expect(read('<item/>')).toEqual(['<item/>', 'end'])
  })

  test('what cannot be read is left out on its own as long as it ends', () => {
    const bad = [
      '<a><b></a></b>',
      '<a>&evil;</a>',
      '<a b="1" b="2"></a>',
      '<p:a></p:a>',
      '<a>\u0001</a>',
      '<a>]]></a>',
    ]
    for (const each of bad.slice(0, 2)) {
      const name = /^<([\w:]+)/.exec(each)?.[1] ?? ''
      expect(read(`<list>${each}<item/></list>`)).toEqual([
        '<list>',
        `${name} malformed`,
        '<item/>',
        '</>',
        'end',
      ])
    }
    for (const each of bad) expect(read(`<list>${each}<item/></list>`)).not.toContain(each)
    const deep = `${'<a>'.repeat(70)}${'</a>'.repeat(70)}`
    expect(read(`<list>${deep}<item/></list>`)).toEqual(['<list>', 'a malformed', '<item/>', '</>', 'end'])
  })

  test('an element that is too large is passed over, and nothing of it is kept', () => {
    const large = `<item>${'x'.repeat(100_000)}</item>`
    for (const size of [1, 7, 4096, Infinity])
      expect(read(`<list>${large}<item/></list>`, size)).toEqual([
        '<list>',
        'item too-large',
        '<item/>',
        '</>',
        'end',
      ])
  })

  test.each([
    ['a DTD', '<!DOCTYPE list [<!ENTITY a "b">]><list/>', 'restricted-xml'],
    [
      'a DTD behind the declaration',
      "<?xml version='1.0'?><!DOCTYPE list SYSTEM '/etc/passwd'><list/>",
      'restricted-xml',
    ],
    ['a comment', '<list><!-- --></list>', 'restricted-xml'],
    ['a processing instruction', '<?php x ?><list/>', 'restricted-xml'],
    ['an instruction further on', '<list><?xml version="1.0"?></list>', 'restricted-xml'],
    ['another encoding', "<?xml version='1.0' encoding='UTF-16'?><list/>", 'unsupported-encoding'],
    ['text between elements', '<list>text</list>', 'not-well-formed'],
    ['text before', 'text<list/>', 'not-well-formed'],
    ['a second root', '<list/><list/>', 'not-well-formed'],
    ['a wrong end', '<list></group>', 'not-well-formed'],
    ['an end too many', '</list>', 'not-well-formed'],
    ['no end', '<list><group>', 'not-well-formed'],
    ['an element that does not end', '<list><item><a></item></list>', 'not-well-formed'],
    ['a comment in an element', '<list><item><!-- --></item></list>', 'restricted-xml'],
    ['a tag without end', `<list a='${'x'.repeat(70_000)}`, 'policy-violation'],
    ['an unknown prefix', '<list><p:group></p:group></list>', 'bad-namespace-prefix'],
    ['a BOM', '\u{feff}<list/>', 'not-well-formed'],
  ])('%s breaks the document, and not the next', (_name, text, condition) => {
    for (const size of [1, 3, Infinity]) {
      const parts = read(`${text}\f<list><item/></list>`, size)
      const end = parts.indexOf('end')
      expect(parts[end - 1]).toBe(condition)
      expect(parts.slice(end + 1)).toEqual(['<list>', '<item/>', '</>', 'end'])
    }
  })

  test('documents are told apart, empty ones too', () => {
    expect(read('<list/>\f\f \f<item/>\f')).toEqual(['<list>', '</>', 'end', 'end', 'end', '<item/>', 'end'])
  })

  test('changed bytes never do more than break a document', () => {
    const text = Buffer.from(DOCUMENT)
    for (let n = 0; n < 500; n++) {
      const changed = Buffer.from(text)
      changed[(n * 7919) % text.length] = (n * 104_729) % 256
      const parts = read(changed, 1 + (n % 50))
      expect(parts.at(-1)).toBe('end')
    }
  })

  test('elements are handed over piece by piece, however many there are', () => {
    const reader = new DocumentReader({ decide, elementBytesMax: 1000 })
    const piece = Buffer.from('<item a="1"/>'.repeat(1_000))
    reader.write(Buffer.from('<list>'))
    let count = 0
    for (let n = 0; n < 20; n++) count += reader.write(piece).length
    expect(count).toBe(20_000)
    expect(reader.write(Buffer.from('</list>')).map(show)).toEqual(['</>'])
  })
})

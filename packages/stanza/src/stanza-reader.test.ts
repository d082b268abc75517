import { describe, expect, it } from 'vitest'
import { leastMs } from '../../../test/least-ms.ts'
import { HEADER, vectors } from './_vectors.ts'
import { type Element, readElement, readLimits, readStreamHeader, StreamError } from './index.ts'

function condition(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof StreamError) return error.condition
    throw error
  }
  throw new Error('was accepted')
}

/** Written anew, without the source of anything. */
function anew(element: Element): string {
  const plain = (each: Element): Element =>
    each.withChildren(each.children.map((node) => (typeof node === 'string' ? node : plain(node))))
  return String(plain(element))
}

describe('readElement', () => {
  it.each(vectors('valid'))('reads %j as %j', (text, canonical) => {
    const element = readElement(text)
    expect(anew(element)).toBe(canonical)
    expect(anew(readElement(canonical))).toBe(canonical)
    expect(anew(readElement(String(element)))).toBe(canonical)
  })

  it('refuses a second root and a cut one', () => {
    expect(condition(() => readElement('<a/><b/>'))).toBe('not-well-formed')
    const whole = `<message id='&lt;'><body a:b='c' xmlns:a='d'>e<![CDATA[f]]></body></message>`
    for (let length = 0; length < whole.length; length++) {
      expect(condition(() => readElement(whole.slice(0, length)))).toMatch(/not-well-formed|restricted-xml/)
    }
  })

  describe('bounds', () => {
    const nested = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth)
    const attributes = (count: number) =>
      `<a ${Array.from({ length: count }, (_, index) => `b${index}=''`).join(' ')}/>`
    const siblings = (count: number) => `<a>${'<b/>'.repeat(count - 1)}</a>`
    const prefixes = (count: number) => {
      const one = (index: number) => `<a xmlns:p${index}='urn:p' xmlns:q${index}='urn:q'>`
      return Array.from({ length: count / 2 }, (_, index) => one(index)).join('') + '</a>'.repeat(count / 2)
    }

    it.each([
      ['depth', nested, readLimits.depthMax, 1],
      ['attributes', attributes, readLimits.attributesMax, 1],
      ['elements', siblings, readLimits.elementsMax, 1],
      ['prefixes in scope', prefixes, readLimits.prefixesMax, 2],
    ] as const)('of %s', (_what, make, max, step) => {
      const limits = { ...readLimits, depthMax: _what === 'depth' ? readLimits.depthMax : 1_000 }
      expect(readElement(make(max), undefined, limits).name).toBe('a')
      expect(condition(() => readElement(make(max + step), undefined, limits))).toBe('policy-violation')
    })

    it('prefixes of siblings do not add up', () => {
      const one = `<p:b xmlns:p='urn:p'/>`
      expect(readElement(`<a>${one.repeat(1_000)}</a>`).children).toHaveLength(1_000)
    })

    it('the largest stanza of the worst kinds is read in a second or two', () => {
      const declared = Array.from({ length: 63 }, (_, index) => `xmlns:p${index}='urn:p${index}'`).join(' ')
      const used = Array.from({ length: 63 }, (_, index) => ` p${index}:a=''`).join('')
      const worst = [
        `<a ${declared}>${`<p0:b${used}/>`.repeat(400)}</a>`,
        `<a>${'&amp;'.repeat(52_000)}</a>`,
        `<a>${'<![CDATA[]]>'.repeat(21_000)}</a>`,
        `<a b='${'\r'.repeat(260_000)}'/>`,
        `<a>&#${'0'.repeat(260_000)}65;</a>`,
        `<${'a'.repeat(130_000)}></${'a'.repeat(130_000)}>`,
      ]
      for (const text of worst) expect(leastMs(() => readElement(text))).toBeLessThan(2_500)
    })
  })

  it('copes with names that every object answers to', () => {
    const { attrs } = readElement(`<a constructor='1' toString='2'/>`)
    expect({ ...attrs }).toEqual({ constructor: '1', toString: '2' })
    expect(condition(() => readElement(`<a __proto__='1'/>`))).toBe('not-well-formed')
  })
})

describe('forwarding', () => {
  /** A child as it leaves in another client's stream, read there. */
  function forwarded(stanza: string, scope = readStreamHeader(HEADER).scope): Element | undefined {
    const child = readElement(stanza, scope).elements()[0]
    return readElement(`<message>${String(child)}</message>`).elements()[0]
  }

  it.each([
    ['its own declaration', `<message><x xmlns='urn:x' a='1'><y/></x></message>`],
    ['a prefix of its own', `<message><p:x xmlns:p='urn:x' a='1'><p:y/></p:x></message>`],
    ['a prefix of the stanza', `<message xmlns:p='urn:x'><p:x a='1'><p:y/></p:x></message>`],
    [
      'a prefix of the stanza further in',
      `<message xmlns:p='urn:x'><x xmlns='urn:x' a='1'><p:y/></x></message>`,
    ],
    [
      'a default of the stanza',
      `<c:message xmlns:c='jabber:client' xmlns='urn:x'><x a='1'><y/></x></c:message>`,
    ],
  ])('an element with %s means the same in another stream', (_what, stanza) => {
    const child = forwarded(stanza)
    expect(child?.is('x', 'urn:x')).toBe(true)
    expect(child?.attrs).toEqual({ a: '1' })
    expect(child?.elements()[0]?.is('y', 'urn:x')).toBe(true)
  })

  it('a prefix or default of the stream header is resolved', () => {
    const header = readStreamHeader(
      `<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns:p='urn:x' xmlns:c='jabber:client' xmlns='urn:d'>`,
    )
    const child = forwarded(`<c:message><p:x p:a='1'><y/></p:x></c:message>`, header.scope)
    expect(child?.is('x', 'urn:x')).toBe(true)
    expect(child?.attrs).toEqual({ '{urn:x}a': '1' })
    expect(child?.elements()[0]?.is('y', 'urn:d')).toBe(true)
    expect(forwarded(`<c:message><y/></c:message>`, header.scope)?.is('y', 'urn:d')).toBe(true)
  })

  it('nothing goes along that the tree does not show: unused prefixes are text, too', () => {
    for (const stanza of [
      `<message><x xmlns='urn:x' xmlns:secret='attack at dawn'/></message>`,
      `<message><x xmlns='urn:x'><y xmlns:secret='attack at dawn'/></x></message>`,
      `<message xmlns:secret='attack at dawn'><x xmlns='urn:x'/></message>`,
    ]) {
      expect(String(readElement(stanza))).not.toContain('attack')
      expect(String(readElement(stanza).elements()[0])).not.toContain('attack')
    }
  })
})

describe('readStreamHeader', () => {
  it('gives the start tag and its scope', () => {
    const { header, qualifiedName, scope } = readStreamHeader(HEADER)
    expect(header.attrs).toEqual({ to: 'localhost', version: '1.0' })
    expect(qualifiedName).toBe('stream:stream')
    expect(scope.defaultNs).toBe('jabber:client')
    expect(Object.fromEntries(scope.prefixes)).toEqual({ stream: 'http://etherx.jabber.org/streams' })
  })
})

/**
 * The parser against saxes, an independent one: both accept a document with the same tree, or both refuse it; except
 * that ours refuses what RFC 6120 §11.1 restricts, and what its bounds forbid. `npm run fuzz -- stanza` makes a campaign of it.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  chunkSizes,
  cut,
  damagedBytes,
  declared,
  isComparable,
  mutated,
  mutatedStream,
  stream,
} from './_documents.ts'
import { readBySaxes, readStreamBySaxes, readStreamByUs, Restricted, type Tree, treeOf } from './_tree.ts'
import { streamVectors, vectors } from './_vectors.ts'
import { Element, readElement, StreamError, StreamParser } from './index.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const BUDGET_MS = 1_500
/** A slow machine comes less far, which says nothing about what it has seen. */
const RUNS_ENOUGH = 1_000
const timeBox = {
  seed,
  numRuns: 2 ** 31 - 1,
  interruptAfterTimeLimit: BUDGET_MS,
  markInterruptAsFailure: false,
}
const timeout = BUDGET_MS + 30_000

function outcomeOf<T>(read: () => T): { value: T } | { error: unknown } {
  try {
    return { value: read() }
  } catch (error) {
    return { error }
  }
}

/** What a stream or a document was refused with; anything but a StreamError is a bug. */
function conditionOf(fault: unknown): string | undefined {
  if (fault === undefined) return undefined
  expect(fault).toBeInstanceOf(StreamError)
  return (fault as StreamError).condition
}

/** True when both read it, false when both refuse. White space around a root is none of ours. */
function compareDocument(text: string): boolean {
  if (!isComparable(text) || /^\s|\s$/u.test(text)) return false
  const ours = outcomeOf(() => treeOf(readElement(text, { defaultNs: '', prefixes: new Map() })))
  const theirs = outcomeOf(() => readBySaxes(text))
  if ('error' in ours) {
    const condition = conditionOf(ours.error)
    if (condition === 'policy-violation') return false
    expect(theirs, `saxes accepts ${JSON.stringify(text)}, we say ${condition}`).toHaveProperty('error')
    return false
  }
  expect(theirs, `saxes refuses ${JSON.stringify(text)}`).toHaveProperty('value')
  expect(ours.value, JSON.stringify(text)).toEqual('value' in theirs ? theirs.value : undefined)
  return true
}

/** What only our parser decides: its bounds, and what a stream header must be (RFC 6120 §4.9.3). */
const OURS = new Set(['policy-violation', 'bad-format', 'invalid-namespace', 'unsupported-encoding'])

/**
 * Ours sees at once what cannot come to a good end; saxes, when it has come to its end: so whatever was begun is ended
 * here, and text is ended by a tag.
 */
function ended(text: string): string {
  return text + (/<[^<>]*$|&[^;]*$/.test(text) ? `;-->?>]]>'>">` : '<x/>')
}

/** Where the two may differ in when they notice a fault, they must agree on every element before it. */
function compareStream(text: string, sizes: readonly number[]): boolean {
  if (!isComparable(text) || text.startsWith('\u{feff}')) return false // saxes takes that for a byte order mark
  const ours = readStreamByUs(cut(Buffer.from(text), sizes))
  const theirs = readStreamBySaxes(text)
  const condition = conditionOf(ours.fault)
  const what = JSON.stringify(text)
  expect(ours.seen, what).toEqual(theirs.seen.slice(0, ours.seen.length))
  if (condition !== undefined && OURS.has(condition)) return false
  expect(ours.seen.length, what).toBe(theirs.seen.length)
  if (condition !== undefined) {
    // What begins like a comment, an instruction or a declaration of a type need not be read to its end.
    if (condition === 'restricted-xml' && /<[!?]/.test(text)) return false
    expect(
      theirs.fault ?? readStreamBySaxes(ended(text)).fault,
      `saxes accepts ${what}, we say ${condition}`,
    ).toBeDefined()
    return false
  }
  // What is wrong inside an element that is not complete yet, only saxes knows; between elements, both.
  if (theirs.fault instanceof Restricted && theirs.inside !== true) expect(ours.fault, what).toBeDefined()
  return theirs.fault === undefined
}

describe('vectors', () => {
  it.each(vectors('valid').map(([text]) => text))('%j: saxes reads the same', (text) => {
    if (isComparable(text)) expect(compareDocument(text)).toBe(true)
  })

  it.each(streamVectors())('$name: saxes reads the same', ({ name, bytes }) => {
    const text = bytes.toString()
    if (Buffer.from(text).equals(bytes) && isComparable(text))
      expect(compareStream(text, [7])).toBe(!name.startsWith('invalid'))
  })
})

describe(`the parser under fuzzing (SEED=${String(seed)})`, () => {
  it('agrees with saxes about generated and mutated documents', { timeout }, () => {
    let accepted = 0
    let refused = 0
    fc.assert(
      fc.property(fc.oneof(declared, mutated, mutated), (text) => {
        if (compareDocument(text)) accepted++
        else refused++
      }),
      timeBox,
    )
    if (accepted + refused < RUNS_ENOUGH) return
    expect(accepted).toBeGreaterThan(20)
    expect(refused).toBeGreaterThan(20)
  })

  it('agrees with saxes about generated and mutated streams, in any chunks', { timeout }, () => {
    let accepted = 0
    let refused = 0
    fc.assert(
      fc.property(fc.oneof(stream, mutatedStream, mutatedStream), chunkSizes, (text, sizes) => {
        if (compareStream(text, sizes)) accepted++
        else refused++
      }),
      timeBox,
    )
    if (accepted + refused < RUNS_ENOUGH) return
    expect(accepted).toBeGreaterThan(20)
    expect(refused).toBeGreaterThan(20)
  })

  it('what is written means what was read, whatever the stream it is written to', { timeout }, () => {
    let [runs, written] = [0, 0]
    fc.assert(
      fc.property(stream, (text) => {
        runs++
        for (const element of elementsOf(text)) written += expectSameWritten(element)
      }),
      timeBox,
    )
    if (runs >= RUNS_ENOUGH) expect(written).toBeGreaterThan(40)
  })

  it('an element is the same in whatever order it is looked at', { timeout }, () => {
    fc.assert(
      fc.property(stream, (text) => {
        const written = elementsOf(text).map((element) => [String(element), treeOf(element), views(element)])
        const read = elementsOf(text).map((element) => {
          const seen = views(element)
          const tree = treeOf(element)
          return [String(element), tree, seen]
        })
        expect(read).toEqual(written)
      }),
      timeBox,
    )
  })

  it('a declaration that nothing uses is not handed on', { timeout }, () => {
    fc.assert(
      fc.property(stream, fc.nat(), (text, which) => {
        const tags = [...text.matchAll(/<[^\s/>!?&]+/g)].map(({ index, 0: tag }) => index + tag.length)
        const at = tags[which % tags.length] ?? 0
        const canary = ` xmlns:unused='urn:canary'`
        for (const element of elementsOf(text.slice(0, at) + canary + text.slice(at)))
          for (const each of descendants(element)) expect(String(each)).not.toContain('canary')
      }),
      timeBox,
    )
  })

  it(
    'any bytes in any chunks: the same outcome as at once, and nothing but a StreamError',
    { timeout },
    () => {
      fc.assert(
        fc.property(damagedBytes, chunkSizes, (bytes, sizes) => {
          const outcome = ({ seen, fault }: ReturnType<typeof readStreamByUs>) => [seen, String(fault)]
          const atOnce = outcome(readStreamByUs([bytes]))
          expect(outcome(readStreamByUs(cut(bytes, sizes)))).toEqual(atOnce)
          expect(outcome(readStreamByUs(cut(bytes, [0])))).toEqual(atOnce)
          expect(outcome(readPausing(bytes))).toEqual(atOnce)
        }),
        timeBox,
      )
    },
  )
})

/** The first-level elements before the first fault. */
function elementsOf(text: string): Element[] {
  const elements: Element[] = []
  const parser: StreamParser = new StreamParser(
    {
      onHeader: () => undefined,
      onElement: (element) => void elements.push(element),
      onClose: () => parser.stop(),
    },
    1_000_000,
  )
  outcomeOf(() => parser.write(Buffer.from(text)))
  return elements
}

/** As it is given to a parser whose owner pauses after every element. */
function readPausing(bytes: Buffer): ReturnType<typeof readStreamByUs> {
  const seen: (Tree | '/')[] = []
  const parser: StreamParser = new StreamParser(
    {
      onHeader: (header) => void seen.push(treeOf(header)),
      onElement: (element) => {
        seen.push(treeOf(element))
        parser.pause()
      },
      onClose: () => {
        seen.push('/')
        parser.stop()
      },
    },
    1_000_000,
  )
  try {
    let rest = bytes
    while (rest.length > 0) rest = rest.subarray(parser.write(rest))
  } catch (fault) {
    return { seen, fault }
  }
  return { seen }
}

function descendants(element: Element): Element[] {
  return [element, ...element.elements().flatMap(descendants)]
}

/** Each element of it on its own, in a stream of ours, inside a foreign element, and rebuilt without its source. */
function expectSameWritten(element: Element): number {
  const all = descendants(element)
  for (const each of all) {
    const tree = treeOf(each)
    const text = String(each)
    expect(treeOf(readElement(text)), text).toEqual(tree)
    expect(readBySaxes(`<r xmlns='jabber:client'>${text}</r>`)[3][0], text).toEqual(tree)
    const forwarded = `<f xmlns='urn:xmpp:forward:0'>${each.toString('urn:xmpp:forward:0')}</f>`
    expect(treeOf(readElement(forwarded))[3][0], forwarded).toEqual(tree)
    const copy = each.withAttrs({}).withChildren(each.children)
    expect(treeOf(readElement(String(copy))), text).toEqual(tree)
    expect(treeOf(each.withAttrs({ to: 'a' })), text).toEqual(
      treeOf(new Element(each.name, each.ns, { ...each.attrs, to: 'a' }, each.children)),
    )
    expect(treeOf(readElement(`<b>${each.innerXml('jabber:client')}</b>`))[3], text).toEqual(tree[3])
  }
  return all.length
}

/** What the accessors say, which must be what the children say. */
function views(element: Element): unknown {
  return descendants(element).map((each) => {
    const first = each.elements()[0]
    if (first) {
      expect(each.child(first.name, first.ns)).toBe(first)
      expect(each.childrenNamed(first.name, first.ns)[0]).toBe(first)
    }
    expect(each.child('none', 'urn:none')).toBeUndefined()
    const text = each.children.filter((node) => typeof node === 'string').join('')
    expect(each.text()).toBe(text)
    return [each.name, each.ns, each.attrs, text, each.is('m', 'jabber:client')]
  })
}

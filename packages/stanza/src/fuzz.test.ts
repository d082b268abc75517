/**
 * The parser against saxes, an independent one: both accept a document with the same tree, or both refuse it; except
 * that ours refuses what RFC 6120 §11.1 restricts, and what its bounds forbid.
 */
import * as fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { describe, expect, it } from 'vitest'
import { HEADER, vectors } from './_vectors.ts'
import { type Element, readElement, StreamError, StreamParser, type XmlNode } from './index.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const BUDGET_MS = 2_500

/** Namespace, name, sorted attributes, children: what a document means. */
type Tree = [string, string, [string, string][], (Tree | string)[]]

function treeOf(element: Element): Tree {
  const attributes = Object.entries(element.attrs).map(([name, value = '']): [string, string] => [
    name,
    value,
  ])
  return [element.ns, element.name, sorted(attributes), joined(element.children)]
}

function joined(nodes: readonly XmlNode[]): (Tree | string)[] {
  return merge(nodes.map((node) => (typeof node === 'string' ? node : treeOf(node))))
}

/** Neighbouring texts are one. */
function merge(nodes: readonly (Tree | string)[]): (Tree | string)[] {
  const out: (Tree | string)[] = []
  for (const node of nodes) {
    const last = out.at(-1)
    if (typeof node === 'string' && typeof last === 'string') out[out.length - 1] = last + node
    else if (node !== '') out.push(node)
  }
  return out
}

function sorted(attributes: [string, string][]): [string, string][] {
  return attributes.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** What is behind XML that saxes accepts and RFC 6120 does not. */
class Restricted extends Error {}

function readBySaxes(text: string): Tree {
  const parser = new SaxesParser({ xmlns: true })
  const stack: Tree[] = [['', '', [], []]]
  const restricted = () => {
    throw new Restricted()
  }
  parser.on('comment', restricted)
  parser.on('processinginstruction', restricted)
  parser.on('doctype', restricted)
  parser.on('xmldecl', restricted)
  const onText = (data: string) => void stack.at(-1)?.[3].push(data)
  parser.on('text', onText)
  parser.on('cdata', onText)
  parser.on('opentag', ({ uri, local, attributes }) => {
    const own = Object.values(attributes).filter(({ prefix, name }) => prefix !== 'xmlns' && name !== 'xmlns')
    const named = own.map(({ prefix, local: name, uri: ns, value }): [string, string] => [
      prefix === '' ? name : prefix === 'xml' ? `xml:${name}` : `{${ns}}${name}`,
      value,
    ])
    stack.push([uri, local, sorted(named), []])
  })
  parser.on('closetag', () => {
    const tree = stack.pop()
    if (!tree) return
    tree[3] = merge(tree[3])
    stack.at(-1)?.[3].push(tree)
  })
  parser.write(text).close()
  const [root] = stack[0]?.[3].filter((node) => typeof node !== 'string') ?? []
  if (!root) throw new Error('no root')
  return root
}

function outcomeOf<T>(read: () => T): { tree: T } | { error: unknown } {
  try {
    return { tree: read() }
  } catch (error) {
    return { error }
  }
}

function readByUs(text: string): Element {
  return readElement(text, { defaultNs: '', prefixes: new Map() })
}

/**
 * Where saxes leaves the specification: it trims what a declaration binds, takes local names that begin with a digit
 * or a hyphen, and knows white space around a root. `__proto__` is a name that only we refuse.
 */
const INCOMPARABLE = /__proto__|:[-.\d\u{b7}]|xmlns[^=]*=\s*(?:"(?:\s|[^"]*\s")|'(?:\s|[^']*\s'))|^\s|\s$/u

function compare(text: string): boolean {
  if (INCOMPARABLE.test(text)) return false
  const ours = outcomeOf(() => treeOf(readByUs(text)))
  const theirs = outcomeOf(() => readBySaxes(text))
  if ('error' in ours) {
    expect(ours.error).toBeInstanceOf(StreamError)
    const { condition } = ours.error as StreamError
    if (condition === 'restricted-xml' || condition === 'policy-violation') return false
    expect(theirs, `saxes accepts ${JSON.stringify(text)}`).toHaveProperty('error')
    return false
  }
  expect(theirs, `saxes refuses ${JSON.stringify(text)}`).toHaveProperty('tree')
  expect(ours.tree, JSON.stringify(text)).toEqual('tree' in theirs ? theirs.tree : undefined)
  return true
}

const prefix = fc.constantFrom('', '', '', 'a:', 'b:', 'xml:')
const localName = fc.constantFrom('m', 'body', 'x', 'é', '_', 'a-1', 'constructor', 'toString')
const name = fc.tuple(prefix, localName).map((parts) => parts.join(''))
const uri = fc.constantFrom('', 'urn:1', 'urn:2', 'jabber:client', 'urn:}', 'a b', '&amp;', 'a&#10;b')
const space = fc.constantFrom(' ', '\n', '\t ', '\r\n', '  ')
const character = fc.oneof(
  fc.constantFrom(
    'a',
    ' ',
    '\n',
    '\r',
    '\r\n',
    '\t',
    ']',
    ']]',
    '>',
    '"',
    'é',
    '😀',
    '\u{feff}',
    '\u{85}',
    '\u{2028}',
  ),
  fc.constantFrom('&amp;', '&lt;', '&#13;', '&#x1F600;', '&apos;', '&quot;', '&gt;', '&#9;'),
)
const chars = fc.array(character, { maxLength: 6 }).map((parts) => parts.join(''))
const attribute = fc.oneof(
  fc.tuple(name, chars).map(([key, value]) => `${key}='${value}'`),
  fc.tuple(localName, chars).map(([key, value]) => `${key}="${value.replaceAll('"', '')}"`),
  uri.map((ns) => `xmlns='${ns}'`),
  fc.tuple(fc.constantFrom('a', 'b'), uri).map(([key, ns]) => `xmlns:${key}='${ns}'`),
)

const { document } = fc.letrec<{ document: string; content: string }>((tie) => ({
  document: fc
    .tuple(
      name,
      fc.array(fc.tuple(space, attribute), { maxLength: 4 }),
      fc.option(space, { nil: '' }),
      tie('content'),
    )
    .map(([tag, attributes, gap, content]) => {
      const start = `<${tag}${attributes.flat().join('')}${gap}`
      return content === '' ? `${start}/>` : `${start}>${content}</${tag}${gap}>`
    }),
  content: fc
    .array(
      fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        chars,
        chars.map((text) => `<![CDATA[${text}]]>`),
        tie('document'),
        tie('document'),
      ),
      { maxLength: 4 },
    )
    .map((parts) => parts.join('')),
}))
/** Declares what the names above use, so that most documents are accepted. */
const declared = document.map((text) => text.replace(/^<([^\s/>]+)/, `<$1 xmlns:a='urn:1' xmlns:b='urn:2'`))

const pieces = [
  '<',
  '>',
  '/',
  '&',
  ';',
  "'",
  '"',
  '=',
  ' ',
  ':',
  '<!',
  '<?',
  ']]>',
  '<![CDATA[',
  '--',
  '&#',
  'xmlns',
  '</',
  '/>',
  '\0',
  '\u{fffe}',
  'x',
]
const known = [...vectors('valid'), ...vectors('invalid')].map(([text]) => text)
const mutated = fc
  .tuple(
    fc.oneof(declared, declared, fc.constantFrom(...known)),
    fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...pieces, '')), { minLength: 1, maxLength: 3 }),
  )
  .map(([text, edits]) =>
    edits.reduce((before, [place, cut, piece]) => {
      const at = place % (before.length + 1)
      return (before.slice(0, at) + piece + before.slice(at + cut)).toWellFormed()
    }, text),
  )

const timeBox = {
  seed,
  numRuns: 1_000_000,
  interruptAfterTimeLimit: BUDGET_MS,
  markInterruptAsFailure: false,
}

describe(`the parser under fuzzing (SEED=${String(seed)})`, () => {
  it('agrees with saxes about generated and mutated documents', { timeout: 30_000 }, () => {
    let accepted = 0
    let refused = 0
    fc.assert(
      fc.property(fc.oneof(declared, mutated, mutated), (text) => {
        if (compare(text)) accepted++
        else refused++
      }),
      timeBox,
    )
    expect(accepted).toBeGreaterThan(200)
    expect(refused).toBeGreaterThan(200)
  })

  it('what is written means what was read, also inside another client’s stream', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(declared, (text) => {
        const read = outcomeOf(() => readElement(`<message>${text}</message>`))
        if ('error' in read) return
        const expected = treeOf(read.tree)
        expect(treeOf(readElement(String(read.tree)))).toEqual(expected)
        expect(readBySaxes(`<r xmlns='jabber:client'>${String(read.tree)}</r>`)[3][0]).toEqual(expected)
        const forwarded = `<f xmlns='urn:xmpp:forward:0'>${read.tree.toString('urn:xmpp:forward:0')}</f>`
        expect(treeOf(readElement(forwarded))[3][0]).toEqual(expected)
      }),
      { ...timeBox, interruptAfterTimeLimit: BUDGET_MS / 2 },
    )
  })

  it(
    'any bytes in any chunks: the same outcome as at once, and nothing but a StreamError',
    { timeout: 30_000 },
    () => {
      const run = (chunks: readonly Buffer[]): string => {
        const seen: string[] = []
        const parser = new StreamParser(
          {
            onHeader: (header) => seen.push(`header ${String(header)}`),
            onElement: (element) => seen.push(String(element)),
            onClose: () => seen.push('close'),
          },
          1_000_000,
        )
        try {
          for (const chunk of chunks) parser.write(chunk)
        } catch (error) {
          expect(error).toBeInstanceOf(StreamError)
          seen.push(`error ${String(error)}`)
        }
        return seen.join('\n')
      }
      const bytes = fc
        .tuple(
          fc.constantFrom('', HEADER, `<?xml version='1.0'?>${HEADER}`),
          fc.array(fc.oneof(declared, mutated), { maxLength: 3 }),
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }),
        )
        .map(([header, documents, faults]) => {
          const stream = Buffer.from(header + documents.join(''))
          for (const [at, byte] of faults) if (stream.length > 0) stream[at % stream.length] = byte
          return stream
        })
      fc.assert(
        fc.property(
          bytes,
          fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 20 }),
          (stream, sizes) => {
            const chunks: Buffer[] = []
            for (let at = 0, turn = 0; at < stream.length; turn++) {
              const size = (sizes[turn % sizes.length] ?? 0) + 1
              chunks.push(stream.subarray(at, at + size))
              at += size
            }
            expect(run(chunks)).toBe(run([stream]))
          },
        ),
        { ...timeBox, interruptAfterTimeLimit: BUDGET_MS / 2 },
      )
    },
  )
})

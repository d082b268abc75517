/** Documents and streams for fuzz tests: generated, and generated or known ones with a few places changed. */
import * as fc from 'fast-check'
import { HEADER, streamVectors, vectors } from './_vectors.ts'

/**
 * Where saxes leaves the specification: it trims what a declaration binds, and takes local names that begin with a
 * digit or a hyphen. `__proto__` is a name that only we refuse.
 */
const INCOMPARABLE =
  /__proto__|:[-.\d\u{b7}]|xmlns[^=]*=\s*(?:"(?:\s|&#|[^"]*(?:\s|&#[^;"]*;)")|'(?:\s|&#|[^']*(?:\s|&#[^;']*;)'))/u

export function isComparable(text: string): boolean {
  return !INCOMPARABLE.test(text)
}

const prefix = fc.constantFrom('', '', '', 'a:', 'b:', 'xml:')
const localName = fc.constantFrom('m', 'body', 'x', 'é', '_', 'a-1', 'constructor', 'toString')
const name = fc.tuple(prefix, localName).map((parts) => parts.join(''))
const uri = fc.constantFrom('', 'urn:1', 'urn:2', 'jabber:client', 'urn:}', 'a b', '&amp;', 'a&#10;b')
const space = fc.constantFrom(' ', '\n', '\t ', '\r\n', '  ')
const literals = ['a', ' ', '\n', '\r', '\r\n', '\t', ']', ']]', '>', '"', 'é', '😀']
const character = fc.oneof(
  fc.constantFrom(...literals, '\u{feff}', '\u{85}', '\u{2028}'),
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
export const declared = document.map((text) =>
  text.replace(/^<([^\s/>]+)/, `<$1 xmlns:a='urn:1' xmlns:b='urn:2'`),
)

const marks = ['<', '>', '/', '&', ';', "'", '"', '=', ' ', ':', '<!', '<?', '?>', ']]>', '<![CDATA[', '--']
const words = ['&#', 'xmlns', '</', '/>', '\0', '\u{fffe}', 'x', '\r', "='", '<a>', '</a>', 'a:', '<x/>', '']
/** Where, how much goes, what comes: three places at most. */
const edits = fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...marks, ...words)), {
  minLength: 1,
  maxLength: 3,
})

function edit(text: string, changes: readonly [number, number, string][]): string {
  return changes.reduce((before, [place, gone, piece]) => {
    const at = place % (before.length + 1)
    return (before.slice(0, at) + piece + before.slice(at + gone)).toWellFormed()
  }, text)
}

const knownDocuments = [...vectors('valid'), ...vectors('invalid')].map(([text]) => text)

export const mutated = fc
  .tuple(fc.oneof(declared, declared, fc.constantFrom(...knownDocuments)), edits)
  .map(([text, changes]) => edit(text, changes))

/** Headers whose scopes differ in all that a scope holds. */
const header = fc.constantFrom(
  HEADER,
  `<?xml version='1.0'?>${HEADER}`,
  HEADER.replace('>', ` xmlns:a='urn:1' xmlns:b='urn:2'>`),
  `<a:stream xmlns:a='http://etherx.jabber.org/streams' xmlns:b='jabber:client' xmlns='urn:2' a:x='1'>`,
  `<stream xmlns='http://etherx.jabber.org/streams' xmlns:b='urn:}' b:x='1'>`,
  `<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns=''>`,
)
const between = fc.constantFrom('', '', '\n', ' \t\r\n ')

/** A stream of documents, closed or not. */
export const stream = fc
  .tuple(
    header,
    fc.array(fc.tuple(between, fc.oneof(document, declared, declared)), { maxLength: 4 }),
    fc.boolean(),
  )
  .map(([open, documents, closed]) => {
    const qualified = /<([^\s?]+) [^?]*$/.exec(open)?.[1] ?? ''
    return open + documents.flat().join('') + (closed ? `</${qualified}>` : '')
  })

const knownStreams = [
  ...vectors('streams').map(([text]) => text),
  ...streamVectors().map(({ bytes }) => bytes.toString().toWellFormed()),
]
export const mutatedStream = fc
  .tuple(fc.oneof(stream, fc.constantFrom(...knownStreams), fc.constantFrom(...knownStreams)), edits)
  .map(([text, changes]) => edit(text, changes))

/** Any stream, here and there a byte that is wrong in it. */
export const damagedBytes = fc
  .tuple(
    fc.oneof(stream, mutatedStream, mutated),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }),
  )
  .map(([text, faults]) => {
    const bytes = Buffer.from(text)
    for (const [at, byte] of faults) if (bytes.length > 0) bytes[at % bytes.length] = byte
    return bytes
  })

export const chunkSizes = fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 20 })

/** Cuts into pieces of these sizes plus one, over and over. */
export function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = (sizes[turn % sizes.length] ?? 0) + 1
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

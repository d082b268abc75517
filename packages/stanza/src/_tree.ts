/**
 * What a document means, as two parsers that know nothing of each other read it: ours and saxes. saxes has no
 * bounds, and reads text, not bytes; what RFC 6120 restricts is told apart from what is not well-formed.
 */
import { SaxesParser, type SaxesTagNS } from 'saxes'
import { type Element, StreamError, StreamParser, type XmlNode } from './index.ts'

/** Namespace, name, sorted attributes, children. */
export type Tree = [string, string, [string, string][], (Tree | string)[]]

export function treeOf(element: Element): Tree {
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

/** XML that saxes accepts and RFC 6120 §11.1 or §11.7 does not. */
export class Restricted extends Error {}

/** Of a stream, as far as it went: its header, its complete first-level elements, `/` for its end; then the fault. */
export interface StreamReading {
  readonly seen: (Tree | '/')[]
  readonly fault?: unknown
  /** The fault is inside a first-level element. */
  readonly inside?: boolean
}

class SaxesReader {
  readonly parser = new SaxesParser({ xmlns: true })
  readonly stack: Tree[] = []
  readonly #onTree: (tree: Tree, depth: number) => void

  /** @param onTree a complete element and its depth: the root is at 0 */
  constructor(onTree: (tree: Tree, depth: number) => void) {
    this.#onTree = onTree
    const { parser } = this
    parser.on('comment', restricted)
    parser.on('processinginstruction', restricted)
    parser.on('doctype', restricted)
    const onText = (data: string) => void this.stack.at(-1)?.[3].push(data)
    parser.on('text', onText)
    parser.on('cdata', onText)
    parser.on('opentag', (tag) => void this.stack.push(startOf(tag)))
    parser.on('closetag', () => this.#close())
  }

  #close(): void {
    const tree = this.stack.pop()
    if (!tree) return
    tree[3] = merge(tree[3])
    this.stack.at(-1)?.[3].push(tree)
    this.#onTree(tree, this.stack.length)
  }
}

function restricted(): never {
  throw new Restricted()
}

function startOf({ uri, local, attributes }: SaxesTagNS): Tree {
  const own = Object.values(attributes).filter(({ prefix, name }) => prefix !== 'xmlns' && name !== 'xmlns')
  const named = own.map(({ prefix, local: name, uri: ns, value }): [string, string] => [
    prefix === '' ? name : prefix === 'xml' ? `xml:${name}` : `{${ns}}${name}`,
    value,
  ])
  return [uri, local, sorted(named), []]
}

/** saxes on one document; throws what is wrong with it. */
export function readBySaxes(text: string): Tree {
  let root: Tree | undefined
  const { parser } = new SaxesReader((tree) => (root = tree))
  parser.on('xmldecl', restricted)
  parser.write(text).close()
  if (!root) throw new Error('no root')
  return root
}

/** saxes on a stream, which need not be complete. */
export function readStreamBySaxes(text: string): StreamReading {
  const seen: { what: Tree | '/'; position: number }[] = []
  const see = (what: Tree | '/') => void seen.push({ what, position: parser.position })
  const { parser, stack } = new SaxesReader((tree, depth) => {
    if (depth < 2) see(depth === 1 ? tree : '/')
  })
  parser.on('opentag', (tag) => {
    const start = startOf(tag)
    stack.push(start)
    if (stack.length === 1) see([start[0], start[1], start[2], []])
  })
  const onText = (data: string) => {
    if (stack.length === 1 && /[^ \t\r\n]/.test(data)) restricted()
    stack.at(-1)?.[3].push(data)
  }
  parser.on('text', onText)
  parser.on('cdata', (data) => (stack.length === 1 ? restricted() : onText(data)))
  let fault: unknown
  try {
    parser.write(text)
  } catch (error) {
    fault = error
    // saxes tells of the end of an element before it finds that the end tag has another name.
    while (seen.at(-1)?.position === parser.position) seen.pop()
  }
  const end = seen.findIndex(({ what }) => what === '/')
  const reading = seen.map(({ what }) => what)
  if (end >= 0) return { seen: reading.slice(0, end + 1) }
  return fault === undefined ? { seen: reading } : { seen: reading, fault, inside: stack.length > 1 }
}

/**
 * Our parser on a stream in chunks. Each chunk lies in the same memory, as those of a socket may, and what came out
 * is looked at when all is read: nothing of it may lean on memory that was used again.
 */
export function readStreamByUs(chunks: readonly Buffer[], bytesMax = 1_000_000): StreamReading {
  const elements: (Element | '/')[] = []
  const parser: StreamParser = new StreamParser(
    {
      onHeader: (header) => void elements.push(header),
      onElement: (element) => void elements.push(element),
      onClose: () => {
        elements.push('/')
        parser.stop()
      },
    },
    bytesMax,
  )
  const memory = Buffer.alloc(Math.max(1, ...chunks.map(({ length }) => length)))
  let fault: unknown
  try {
    for (const chunk of chunks) {
      chunk.copy(memory)
      parser.write(memory.subarray(0, chunk.length))
      memory.fill('x')
    }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    fault = error
  }
  const seen = elements.map((each) => (each === '/' ? each : treeOf(each)))
  return fault === undefined ? { seen } : { seen, fault }
}

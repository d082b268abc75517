/** Reads test/vectors/xml (test/vectors/README.md has the form). */
import { readdirSync, readFileSync } from 'node:fs'

const DIRECTORY = new URL('../../../test/vectors/xml/', import.meta.url)

/** The rows of a file: text, and what comes of it. */
export function vectors(name: 'valid' | 'invalid' | 'streams'): [string, string][] {
  return readFileSync(new URL(`${name}.txt`, DIRECTORY), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [text = '', outcome = ''] = line.split('\t')
      return [unescape(text), outcome === '=' ? unescape(text) : unescape(outcome)]
    })
}

function unescape(text: string): string {
  return text.replaceAll(/\\u\{([0-9a-f]+)\}/g, (_, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  )
}

/** A whole stream, and what it gives in the words of `streams.txt`. */
export interface StreamVector {
  readonly name: string
  readonly bytes: Buffer
  readonly gives: string
}

/** The files of `streams/`, each one stream. */
export function streamVectors(): StreamVector[] {
  const directory = new URL('streams/', DIRECTORY)
  return readdirSync(directory).map((file) => {
    const text = readFileSync(new URL(file, directory), 'utf8').replace(/\n$/, '')
    const stream = text.replace(/^(#.*\n)+/, '')
    const gives = /^# gives: (.*)$/m.exec(text)?.[1] ?? ''
    return { name: file.replace(/\.txt$/, ''), bytes: bytesOf(stream), gives }
  })
}

/** `\x{X}` is a byte that need not be part of any character. */
function bytesOf(text: string): Buffer {
  const parts = text.split(/\\x\{([0-9a-f]+)\}/)
  return Buffer.concat(
    parts.map((part, index) =>
      index % 2 === 0 ? Buffer.from(unescape(part)) : Buffer.of(Number.parseInt(part, 16)),
    ),
  )
}

/** What tests open a stream with. */
export const HEADER =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

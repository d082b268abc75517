/** Reads test/vectors/xml (test/vectors/README.md has the form). */
import { readFileSync } from 'node:fs'

/** The rows of a file: text, and what comes of it. */
export function vectors(name: 'valid' | 'invalid' | 'streams'): [string, string][] {
  const file = new URL(`../../../test/vectors/xml/${name}.txt`, import.meta.url)
  return readFileSync(file, 'utf8')
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

/** What tests open a stream with. */
export const HEADER =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

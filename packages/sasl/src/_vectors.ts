/** Reads the vector files of test/vectors/sasl for the tests of this package. */
import { readFileSync } from 'node:fs'

function unescape(text: string): string {
  return text.replaceAll(/\\u\{([0-9a-f]+)\}/g, (_, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  )
}

function lines(name: string): string[] {
  const file = new URL(`../../../test/vectors/sasl/${name}.txt`, import.meta.url)
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
}

/** The columns of each line. */
export function columns(name: string): string[][] {
  return lines(name)
    .filter((line) => line !== '')
    .map((line) => line.split('\t').map(unescape))
}

export interface Exchange {
  readonly hash: 'SHA-1' | 'SHA-256'
  readonly username: string
  readonly password: string
  readonly authzid: string | undefined
  readonly binding: { readonly type: string; readonly data: Buffer } | undefined
  readonly messages: readonly [string, string, string, string]
}

function readExchange(block: string): Exchange {
  const pairs = block
    .trim()
    .split('\n')
    .map((line): [string, string] => {
      const space = line.indexOf(' ')
      return [line.slice(0, space), unescape(line.slice(space + 1))]
    })
  const fields = new Map(pairs)
  const [type, data] = fields.get('binding')?.split(' ') ?? []
  const message = (key: string): string => fields.get(key) ?? ''
  return {
    hash: fields.get('hash') === 'SHA-1' ? 'SHA-1' : 'SHA-256',
    username: message('username'),
    password: message('password'),
    authzid: fields.get('authzid'),
    binding: type !== undefined && data !== undefined ? { type, data: Buffer.from(data, 'hex') } : undefined,
    messages: [message('C1'), message('S1'), message('C2'), message('S2')],
  }
}

/** The blocks of exchanges.txt. */
export function exchanges(): Exchange[] {
  return lines('exchanges')
    .join('\n')
    .split(/\n{2,}/)
    .filter((block) => block.trim() !== '')
    .map(readExchange)
}

/** What the server writes for people to read and type: from letters and digits that nobody takes for another, without vowels, so that no word comes of it. */
import type { Random } from '@sealpost/runtime'

/** Neither 0, 1, i, l nor o, nor any other vowel. */
export const TYPEABLE = 'bcdfghjkmnpqrstvwxyz23456789'
const LETTERS = 20
/** 47 bits: two of them are the same once in a hundred million names. */
const NAME_CHARS = 10

/** So many characters, each as probable as any other, the first a letter. */
export function makeTypeable(random: Pick<Random, 'bytes'>, count: number): string {
  let text = ''
  while (text.length < count) text += draw(random, text === '' ? LETTERS : TYPEABLE.length)
  return text
}

/** The local part of an account whose owner wants no name. */
export function makeName(random: Pick<Random, 'bytes'>): string {
  return makeTypeable(random, NAME_CHARS)
}

/** One of the first `choices` characters; a byte that would favour some of them is drawn again. */
function draw(random: Pick<Random, 'bytes'>, choices: number): string {
  const fair = 256 - (256 % choices)
  for (;;) {
    const [byte = 255] = random.bytes(1)
    if (byte < fair) return TYPEABLE[byte % choices] ?? ''
  }
}

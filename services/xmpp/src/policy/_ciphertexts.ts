/** Ciphertext elements of each scheme, as clients write them. */
import { readFileSync } from 'node:fs'

const key = (attrs: string, bytes = 48) => `<key ${attrs}>${'q'.repeat((bytes / 3) * 4)}</key>`
const payload = `<payload>${'Zm9v'.repeat(8)}</payload>`

/** XEP-0384 0.3 */
export const axolotl = (inner = payload, attrs = '') =>
  `<encrypted xmlns='eu.siacs.conversations.axolotl'${attrs}>` +
  `<header sid='27183'>${key(`rid='31415'`)}${key(`prekey='true' rid='12321'`)}<iv>${'A'.repeat(16)}</iv></header>${inner}</encrypted>`

/** XEP-0384 0.7 and 0.8 */
export const omemo = (version: 1 | 2, inner = payload) =>
  `<encrypted xmlns='urn:xmpp:omemo:${version}'><header sid='27183'><keys jid='juliet@capulet.lit'>${key(`rid='31415'`)}</keys>` +
  `<keys jid='romeo@montague.lit'>${key(`kex='true' rid='1337'`)}</keys></header>${inner}</encrypted>`

/** A message of another implementation, Base64 (test/vectors/openpgp). */
export function openpgpVector(file: string): string {
  const text = readFileSync(new URL(`../../../../test/vectors/openpgp/${file}`, import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .trim()
}

/** XEP-0373 */
export const ox = (base64 = openpgpVector('encrypted/gpg-ecdh.txt')) =>
  `<openpgp xmlns='urn:xmpp:openpgp:0'>${base64}</openpgp>`

/** XEP-0027 */
export const legacyPgp = (base64 = openpgpVector('encrypted/gpg-ecdh.txt')) =>
  `<x xmlns='jabber:x:encrypted'>${base64}</x>`

export const chat = (inner: string, attrs = '') =>
  `<message from='romeo@localhost/a' to='juliet@localhost' type='chat' id='m1'${attrs}>${inner}</message>`

/** One chat message as an OMEMO client of today sends it (XEP-0384 0.3, namespace eu.siacs.conversations.axolotl), as bytes. */
import { randomBytes } from 'node:crypto'

/** Digits of the running number in a message's id. */
const ID_DIGITS = 10
const ID_PLACEHOLDER = '0'.repeat(ID_DIGITS)
/** Size of the `<encrypted/>` element: that of a short sentence for two devices. */
const ENCRYPTED_BYTES = 600

function base64(bytes: number): string {
  return randomBytes(bytes).toString('base64')
}

/** `<encrypted/>` with a header, two keys, an initialisation vector and a payload that fills it up to 600 bytes. */
function encrypted(): string {
  const head =
    `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1879048193'>` +
    `<key rid='1207959553'>${base64(84)}</key><key rid='1342177281'>${base64(84)}</key><iv>${base64(12)}</iv></header><payload>`
  const tail = '</payload></encrypted>'
  const room = ENCRYPTED_BYTES - head.length - tail.length
  return head + base64(Math.floor(room / 4) * 3) + tail
}

/** Bytes of one message with room for its number: made once per sender, copied per message. */
export class MessageTemplate {
  readonly #bytes: Buffer
  readonly #idAt: number

  /** `run` marks the ids of one run, so that a message left over from another is told apart; eight characters that need no escape. */
  constructor(to: string, run: string, type: 'chat' | 'groupchat' = 'chat') {
    this.#bytes = Buffer.from(
      `<message to='${to}' type='${type}' id='${run}-${ID_PLACEHOLDER}'>${encrypted()}` +
        `<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/><store xmlns='urn:xmpp:hints'/>` +
        `<body>I sent you an OMEMO encrypted message but your client doesn’t seem to support that.</body></message>`,
    )
    this.#idAt = this.#bytes.indexOf(ID_PLACEHOLDER)
  }

  get size(): number {
    return this.#bytes.length
  }

  /** Writes message number `number` into `target` at `offset`; returns the offset behind it. */
  write(target: Buffer, offset: number, number: number): number {
    this.#bytes.copy(target, offset)
    target.write(String(number).padStart(ID_DIGITS, '0'), offset + this.#idAt, 'latin1')
    return offset + this.#bytes.length
  }
}

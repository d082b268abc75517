/**
 * A key of the server's own: made once, to decrypt what is sent to one of its addresses and to sign what comes from there. Apart from the rest of this package, as
 * encrypt.ts is: whoever calls it sees to it that it runs in a thread of its own, with limits of time and memory.
 */
import {
  config,
  createMessage,
  decrypt,
  enums,
  generateKey,
  readMessage,
  readPrivateKey,
  sign,
  type PrivateKey,
} from 'openpgp'
import { readArmor } from './armor-blocks.ts'
import { EncryptedMessageGrammar } from './encrypted-message.ts'
import { PacketType, readPacket } from './packet.ts'

export interface OwnKey {
  /** Binary, unprotected. */
  readonly secret: Uint8Array
  /** What others may have of it. */
  readonly certificate: Uint8Array
}

/** Version 4 on Curve25519, which every program in use can encrypt to; for good. `now` in milliseconds since 1970. */
export async function makeOwnKey(address: string, now: number): Promise<Uint8Array> {
  const { privateKey } = await generateKey({
    type: 'ecc',
    curve: 'curve25519Legacy',
    userIDs: [{ email: address }],
    date: new Date(now),
    format: 'object',
  })
  return privateKey.write()
}

/** Undefined when it is none. */
export async function readOwnKey(secret: Uint8Array): Promise<OwnKey | undefined> {
  try {
    const key = await readPrivateKey({ binaryKey: secret })
    return { secret, certificate: key.toPublic().write() }
  } catch {
    return undefined
  }
}

/** Session keys of one message: senders encrypt to themselves, too, and each of them costs an attempt. */
const SESSION_KEYS_MAX = 16

export interface DecryptLimits {
  /** Of what comes out, and of each step of decompression. */
  readonly plainBytesMax: number
}

/**
 * What is in an armored message that is encrypted to the key and protected against changes; signatures in it are not looked at. Undefined when it is none, when it
 * is for somebody else, or when more comes out than may.
 */
export async function decryptArmored(
  secret: Uint8Array,
  text: string,
  { plainBytesMax }: DecryptLimits,
): Promise<Uint8Array | undefined> {
  const binaryMessage = encryptedMessageIn(text)
  if (binaryMessage === undefined) return undefined
  const limits = { ...config, maxDecompressedMessageSize: plainBytesMax }
  try {
    const message = await readMessage({ binaryMessage, config: limits })
    const decryptionKeys = await readPrivateKey({ binaryKey: secret })
    const opened: { readonly data: unknown } = await decrypt({
      message,
      decryptionKeys,
      format: 'binary',
      config: limits,
    })
    const { data } = opened
    return data instanceof Uint8Array && data.length <= plainBytesMax ? data : undefined
  } catch {
    return undefined
  }
}

/** The one armored message of a text, if it has the form of an encrypted one and not too many session keys. */
function encryptedMessageIn(text: string): Buffer | undefined {
  const data = onlyMessage(text)
  if (data === undefined) return undefined
  const grammar = new EncryptedMessageGrammar()
  let sessionKeys = 0
  for (let offset = 0; offset < data.length;) {
    const packet = readPacket(data, offset)
    if (packet === undefined || !grammar.take(packet)) return undefined
    if (packet.type === PacketType.publicKeyEncryptedSessionKey) sessionKeys += 1
    offset = packet.end
  }
  return grammar.isWhole() && sessionKeys <= SESSION_KEYS_MAX ? data : undefined
}

function onlyMessage(text: string): Buffer | undefined {
  try {
    const [block, ...more] = readArmor(text)
    return block?.label === 'MESSAGE' && more.length === 0 ? block.data : undefined
  } catch {
    return undefined
  }
}

/** An armored signature over the bytes as they are, by SHA-512, which suits the key. `now` in milliseconds since 1970. RFC 3156 §5 */
export async function signDetached(secret: Uint8Array, data: Uint8Array, now: number): Promise<string> {
  const message = await createMessage({ binary: data })
  const signingKeys: PrivateKey = await readPrivateKey({ binaryKey: secret })
  const signed: unknown = await sign({
    message,
    signingKeys,
    detached: true,
    date: new Date(now),
    format: 'armored',
    config: { ...config, preferredHashAlgorithm: enums.hash.sha512 },
  })
  if (typeof signed !== 'string') throw new TypeError('A signature was asked for in armor')
  return signed
}

/** Documents that others can check: JSON signed with Ed25519 over its canonical form (RFC 8785, as far as strings, whole numbers, lists and objects need it). */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { join } from 'node:path'
import { OperationalError } from '@sealpost/errors'
import { openSecretFile, type Random } from '@sealpost/runtime'

/** Its name in the data directory. Whoever loses it signs with another key from then on; whoever has it can sign in the operator's name. */
const KEY_FILE = 'documents.key'
const SEED_BYTES = 32
const SEED = /^[\w-]{43}$/
/** RFC 8410 §7: what stands before the seed of an Ed25519 key in PKCS #8. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
/** RFC 8410 §4: what stands before a public key in SubjectPublicKeyInfo. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

export interface SignedDocument<T> {
  readonly document: T
  readonly signature: {
    readonly algorithm: 'Ed25519'
    /** 32 octets in base64url. */
    readonly public_key: string
    /** Of the canonical form of `document`, in base64url. */
    readonly value: string
  }
}

export interface DocumentSigner {
  sign<T extends object>(document: T): SignedDocument<T>
}

/** Reads the key, or makes it. Throws SECRET_FILE_OPEN, or DOCUMENT_KEY_UNUSABLE when the file holds something else. */
export async function openDocumentSigner(
  dataDir: string,
  random: Pick<Random, 'token'>,
): Promise<DocumentSigner> {
  const seed = await openSecretFile(join(dataDir, KEY_FILE), random, () => random.token(SEED_BYTES))
  if (!SEED.test(seed))
    throw new OperationalError(
      'DOCUMENT_KEY_UNUSABLE',
      `The file ${KEY_FILE} of the data directory is damaged`,
    )
  const der = Buffer.concat([PKCS8_HEAD, Buffer.from(seed, 'base64url')])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const { x: publicKey = '' } = createPublicKey(key).export({ format: 'jwk' })
  return {
    sign: (document) => ({
      document,
      signature: {
        algorithm: 'Ed25519',
        public_key: publicKey,
        value: sign(null, Buffer.from(canonicalJson(document)), key).toString('base64url'),
      },
    }),
  }
}

/** Whether the signature fits the document and the key that stands beside it: whose key that is, the reader must know. */
export function isSigned({ document, signature }: SignedDocument<object>): boolean {
  const der = Buffer.concat([SPKI_HEAD, Buffer.from(signature.public_key, 'base64url')])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verify(null, Buffer.from(canonicalJson(document)), key, Buffer.from(signature.value, 'base64url'))
}

/** RFC 8785 §3.2: no white space, properties in the order of their UTF-16 code units. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const properties = Object.entries(value).filter(([, each]) => each !== undefined)
  const sorted = properties.toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([name, each]) => `${JSON.stringify(name)}:${canonicalJson(each)}`).join(',')}}`
}

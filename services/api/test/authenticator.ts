/** A software authenticator (WebAuthn Level 3): discoverable ES256 credentials, user verification, attestation "none". */
import { createHash, createSign, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'

interface Credential {
  readonly id: Buffer
  readonly rpId: string
  readonly userHandle: string
  readonly privateKey: KeyObject
  counter: number
}

interface CreationOptions {
  readonly challenge: string
  readonly rp: { readonly id?: string }
  readonly user: { readonly id: string }
}

interface RequestOptions {
  readonly challenge: string
  readonly rpId?: string
  readonly allowCredentials?: readonly { readonly id: string }[]
}

/** What a browser would say of the page, and the authenticator of its user; tests tell it to lie. */
export interface Circumstances {
  readonly origin: string
  readonly verified: boolean
  readonly type: string | undefined
  readonly counter: number | undefined
}

export class Authenticator {
  readonly #circumstances: Circumstances
  readonly credentials: Credential[] = []

  constructor(circumstances: Partial<Circumstances> = {}) {
    const usual = { origin: 'https://example.org:8443', verified: true, type: undefined, counter: undefined }
    this.#circumstances = { ...usual, ...circumstances }
  }

  /** RegistrationResponseJSON. */
  create(options: unknown, lies: Partial<Circumstances> = {}): Record<string, unknown> {
    const { challenge, rp, user } = options as CreationOptions
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const credential = { id: randomBytes(32), rpId: rp.id ?? '', userHandle: user.id, privateKey, counter: 0 }
    this.credentials.push(credential)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(credential.id.length)
    const attested = Buffer.concat([Buffer.alloc(16), length, credential.id, coseKey(publicKey)])
    const authData = Buffer.concat([this.#authData(credential, 0x40, lies), attested])
    return {
      ...named(credential),
      response: {
        clientDataJSON: this.#clientData('webauthn.create', challenge, lies),
        attestationObject: attestationObject(authData).toString('base64url'),
        transports: ['internal'],
      },
    }
  }

  /** AuthenticationResponseJSON. */
  get(options: unknown, lies: Partial<Circumstances> = {}): Record<string, unknown> {
    const { challenge, allowCredentials = [] } = options as RequestOptions
    const credential = this.credentials.findLast(
      ({ id }) =>
        allowCredentials.length === 0 ||
        allowCredentials.some((each) => each.id === id.toString('base64url')),
    )
    if (credential === undefined) throw new Error('no credential that is asked for')
    credential.counter += 1
    const authData = this.#authData(credential, 0, lies)
    const clientDataJSON = this.#clientData('webauthn.get', challenge, lies)
    const hash = createHash('sha256').update(Buffer.from(clientDataJSON, 'base64url')).digest()
    const signature = createSign('sha256')
      .update(Buffer.concat([authData, hash]))
      .sign(credential.privateKey)
    return {
      ...named(credential),
      response: {
        clientDataJSON,
        authenticatorData: authData.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle: credential.userHandle,
      },
    }
  }

  #clientData(type: string, challenge: string, lies: Partial<Circumstances>): string {
    const { origin, type: said = type } = { ...this.#circumstances, ...lies }
    return Buffer.from(JSON.stringify({ type: said, challenge, origin, crossOrigin: false })).toString(
      'base64url',
    )
  }

  /** §6.1: RP ID hash, flags (user present, verified, attested), counter. */
  #authData({ rpId, counter }: Credential, flags: number, lies: Partial<Circumstances>): Buffer {
    const { verified, counter: said = counter } = { ...this.#circumstances, ...lies }
    const rest = Buffer.alloc(5)
    rest.writeUInt8(0x01 | (verified ? 0x04 : 0) | flags)
    rest.writeUInt32BE(said, 1)
    return Buffer.concat([createHash('sha256').update(rpId).digest(), rest])
  }
}

function named({ id }: Credential) {
  const text = id.toString('base64url')
  return { id: text, rawId: text, type: 'public-key', clientExtensionResults: {} }
}

/** RFC 9053 §7.1.1 in CBOR: {1: 2, 3: -7, -1: 1, -2: x, -3: y}. */
function coseKey(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  const part = (text: string) => Buffer.concat([Buffer.from([0x58, 0x20]), Buffer.from(text, 'base64url')])
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
    part(x),
    Buffer.from([0x22]),
    part(y),
  ])
}

/** {"fmt": "none", "attStmt": {}, "authData": …} */
function attestationObject(authData: Buffer): Buffer {
  const text = (word: string) => Buffer.concat([Buffer.from([0x60 + word.length]), Buffer.from(word)])
  const length = Buffer.alloc(3, 0x59)
  length.writeUInt16BE(authData.length, 1)
  return Buffer.concat([
    Buffer.from([0xa3]),
    text('fmt'),
    text('none'),
    text('attStmt'),
    Buffer.from([0xa0]),
    text('authData'),
    length,
    authData,
  ])
}

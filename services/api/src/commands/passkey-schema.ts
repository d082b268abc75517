/** Passkeys in JSON (WebAuthn Level 3 §5.1.8, §5.1.9, §5.1.10). */
import { Type } from '@sealpost/http'

const BASE64URL = '^[A-Za-z0-9_-]*$'

const base64url = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: BASE64URL })

/** A credential id has 1,023 bytes at most (WebAuthn §4). */
const idSchema = base64url(1_364)

const common = {
  id: idSchema,
  rawId: idSchema,
  type: Type.Literal('public-key'),
  authenticatorAttachment: Type.Optional(
    Type.Union([Type.Literal('platform'), Type.Literal('cross-platform')]),
  ),
  clientExtensionResults: Type.Object({}, { additionalProperties: true, maxProperties: 32 }),
}

export const madeSchema = Type.Object(
  {
    ...common,
    response: Type.Object(
      {
        clientDataJSON: base64url(8_192),
        attestationObject: base64url(32_768),
        authenticatorData: Type.Optional(base64url(16_384)),
        transports: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 10 })),
        publicKeyAlgorithm: Type.Optional(Type.Integer()),
        publicKey: Type.Optional(base64url(8_192)),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false, description: 'RegistrationResponseJSON' },
)

export const signedSchema = Type.Object(
  {
    ...common,
    response: Type.Object(
      {
        clientDataJSON: base64url(8_192),
        authenticatorData: base64url(8_192),
        signature: base64url(8_192),
        userHandle: Type.Optional(Type.String({ maxLength: 128, pattern: BASE64URL })),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false, description: 'AuthenticationResponseJSON' },
)

const descriptorSchema = Type.Object({
  id: Type.String(),
  type: Type.String(),
  transports: Type.Optional(Type.Array(Type.String())),
})

const extensionsSchema = Type.Optional(Type.Object({}, { additionalProperties: true }))

export const creationSchema = Type.Object(
  {
    rp: Type.Object({ id: Type.Optional(Type.String()), name: Type.String() }),
    user: Type.Object({ id: Type.String(), name: Type.String(), displayName: Type.String() }),
    challenge: Type.String(),
    pubKeyCredParams: Type.Array(Type.Object({ alg: Type.Integer(), type: Type.Literal('public-key') })),
    timeout: Type.Optional(Type.Integer()),
    excludeCredentials: Type.Optional(Type.Array(descriptorSchema)),
    authenticatorSelection: Type.Optional(
      Type.Object({
        authenticatorAttachment: Type.Optional(Type.String()),
        requireResidentKey: Type.Optional(Type.Boolean()),
        residentKey: Type.Optional(Type.String()),
        userVerification: Type.Optional(Type.String()),
      }),
    ),
    hints: Type.Optional(Type.Array(Type.String())),
    attestation: Type.Optional(Type.String()),
    extensions: extensionsSchema,
  },
  { description: 'PublicKeyCredentialCreationOptionsJSON' },
)

export const requestSchema = Type.Object(
  {
    challenge: Type.String(),
    timeout: Type.Optional(Type.Integer()),
    rpId: Type.Optional(Type.String()),
    allowCredentials: Type.Optional(Type.Array(descriptorSchema)),
    userVerification: Type.Optional(Type.String()),
    hints: Type.Optional(Type.Array(Type.String())),
    extensions: extensionsSchema,
  },
  { description: 'PublicKeyCredentialRequestOptionsJSON' },
)

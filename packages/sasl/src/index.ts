/** SASL (RFC 4422) as far as we speak it: SCRAM with channel binding (RFC 5802, RFC 7677), hashed tokens, and the message of PLAIN (RFC 4616). */
export { SaslError } from './sasl-error.ts'
export type { SaslCondition } from './sasl-error.ts'
export { isPreparable, preparePassword } from './saslprep.ts'
export {
  decoyVerifier,
  deriveVerifier,
  SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
  verifierOfSalted,
  verifyPassword,
} from './scram-verifier.ts'
export type { ScramHash } from './hmac.ts'
export type { ScramVerifier } from './scram-verifier.ts'
export { scramServer } from './scram-server.ts'
export type { ScramServerExchange, ScramServerOptions } from './scram-server.ts'
export { scramClient } from './scram-client.ts'
export type { ScramClientExchange, ScramClientOptions } from './scram-client.ts'
export { parsePlain } from './plain.ts'
export type { PlainMessage } from './plain.ts'
export { offerHash } from './downgrade-protection.ts'
export type { SaslOffer } from './downgrade-protection.ts'
export {
  HASHED_TOKEN_MECHANISMS,
  hashedTokenProof,
  isHashedTokenProof,
  readHashedToken,
  writeHashedToken,
} from './hashed-token.ts'
export type { HashedTokenMessage, HashedTokenRole } from './hashed-token.ts'

/** SASL (RFC 4422) as far as we speak it: SCRAM with channel binding (RFC 5802, RFC 7677), and the message of PLAIN (RFC 4616). */
export { SaslError } from './sasl-error.ts'
export type { SaslCondition } from './sasl-error.ts'
export { isPreparable, preparePassword } from './saslprep.ts'
export {
  decoyVerifier,
  deriveVerifier,
  SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
  verifyPassword,
} from './scram-verifier.ts'
export type { ScramHash, ScramVerifier } from './scram-verifier.ts'
export { scramServer } from './scram-server.ts'
export type { ScramServerExchange, ScramServerOptions } from './scram-server.ts'
export { scramClient } from './scram-client.ts'
export type { ScramClientExchange, ScramClientOptions } from './scram-client.ts'
export { parsePlain } from './plain.ts'
export type { PlainMessage } from './plain.ts'

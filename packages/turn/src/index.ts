/** Credentials for a TURN relay (coturn) that say nothing of who uses them, and where it is. */
export { readTurnConfig, type TurnConfig } from './config.ts'
export { asksForCredentials, TurnRelay, type TurnCredentials } from './turn-relay.ts'
export { parseTurnUri, type TurnService } from './turn-uri.ts'

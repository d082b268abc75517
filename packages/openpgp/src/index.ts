/** OpenPGP (RFC 9580) as far as the relay needs it: telling by structure alone that a message is encrypted. No cryptography. */
export { decodeArmorOrBase64, OPENPGP_TEXT_LENGTH_MAX } from './armor.ts'
export { isEncryptedMessage } from './encrypted-message.ts'
export { PacketType, readPacket } from './packet.ts'
export type { Packet } from './packet.ts'

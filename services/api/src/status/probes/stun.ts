/** The little of STUN that a probe needs: a binding request, and whether an answer is one to it (RFC 8489 §5, §14.2). */

export const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const MAGIC_COOKIE = 0x2112a442
const XOR_MAPPED_ADDRESS = 0x0020
const HEADER_BYTES = 20
export const TRANSACTION_BYTES = 12

/** A message without attributes. `transaction` has TRANSACTION_BYTES, nobody can guess them. */
export function bindingRequest(transaction: Buffer): Buffer {
  const message = Buffer.alloc(HEADER_BYTES)
  message.writeUInt16BE(BINDING_REQUEST, 0)
  message.writeUInt32BE(MAGIC_COOKIE, 4)
  transaction.copy(message, 8)
  return message
}

/** Whether a message is a success response of the transaction that says how the server sees us. */
export function isBindingSuccess(message: Buffer, transaction: Buffer): boolean {
  if (message.length < HEADER_BYTES || message.readUInt16BE(0) !== BINDING_SUCCESS) return false
  if (message.readUInt32BE(4) !== MAGIC_COOKIE) return false
  if (!message.subarray(8, HEADER_BYTES).equals(transaction)) return false
  const length = message.readUInt16BE(2)
  return length % 4 === 0 && message.length >= HEADER_BYTES + length && hasAddress(message, length)
}

function hasAddress(message: Buffer, length: number): boolean {
  const end = HEADER_BYTES + length
  let at = HEADER_BYTES
  while (at + 4 <= end) {
    const size = message.readUInt16BE(at + 2)
    if (message.readUInt16BE(at) === XOR_MAPPED_ADDRESS) return size >= 8 && at + 4 + size <= end
    at += 4 + Math.ceil(size / 4) * 4
  }
  return false
}

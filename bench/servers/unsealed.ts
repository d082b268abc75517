/**
 * Loaded into a server before its program (`NODE_OPTIONS=--import …`): ciphers that copy what they get, keys that are made once, and keyrings on a disk that takes nothing, so that
 * nothing is sealed and nothing is shredded. The other side of the benchmark `seal`. Nothing in the program knows of it, so that no setting can switch sealing off.
 */
import crypto from 'node:crypto'
import fs, { promises } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename } from 'node:path'

const KEYRING = /^keyring\.(?:slots|new)$/
const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const TAG = Buffer.alloc(16)

/** Of a cipher and of its opposite. */
const identity = {
  setAAD: () => identity,
  setAuthTag: () => identity,
  update: (bytes: Uint8Array) => Buffer.from(bytes),
  final: () => Buffer.alloc(0),
  getAuthTag: () => TAG,
}

type Make = (algorithm: string, ...rest: unknown[]) => unknown

function sparing(make: Make): Make {
  return (algorithm, ...rest) => (algorithm === CIPHER ? identity : make(algorithm, ...rest))
}

const createSecretKey = crypto.createSecretKey.bind(crypto) as (
  key: Uint8Array | string,
  encoding?: BufferEncoding,
) => crypto.KeyObject
const theKey = createSecretKey(Buffer.alloc(KEY_BYTES))

Object.assign(crypto, {
  createCipheriv: sparing(crypto.createCipheriv as Make),
  createDecipheriv: sparing(crypto.createDecipheriv as Make),
  createSecretKey: (key: Uint8Array | string, encoding?: BufferEncoding) =>
    key.length === KEY_BYTES ? theKey : createSecretKey(key, encoding),
})

const keyrings = new Set<number>()
const open = promises.open.bind(promises)
promises.open = async (path, ...options) => {
  const handle = await open(path, ...options)
  if (typeof path !== 'string' || !KEYRING.test(basename(path))) return handle
  const { fd } = handle
  const close = handle.close.bind(handle)
  keyrings.add(fd)
  return Object.assign(handle, {
    sync: () => Promise.resolve(),
    close: () => {
      keyrings.delete(fd) // another file may get its number
      return close()
    },
  })
}
const { readSync, writeSync } = fs
Object.assign(fs, {
  fdatasyncSync: () => undefined, // of nothing but keyrings: packages/keyring/src/sync-worker.ts
  readSync: (fd: number, ...rest: unknown[]): unknown =>
    keyrings.has(fd) ? 0 : Reflect.apply(readSync, fs, [fd, ...rest]),
  writeSync: (fd: number, ...rest: unknown[]): unknown =>
    keyrings.has(fd) ? rest[2] : Reflect.apply(writeSync, fs, [fd, ...rest]),
})
syncBuiltinESMExports()

/**
 * Loaded into a server before its program (`NODE_OPTIONS=--import …`): ciphers that copy what they get, keys that are made once, and keyrings on a disk that takes nothing, so that
 * nothing is sealed and nothing is shredded. The other side of the benchmark `seal`. Nothing in the program knows of it, so that no setting can switch sealing off.
 */
import crypto from 'node:crypto'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { watchKeyrings } from '../../test/keyring-files.ts'

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

const keyrings = watchKeyrings((file) => {
  file.sync = () => Promise.resolve()
})
const { readSync, writeSync } = fs
Object.assign(fs, {
  fdatasyncSync: () => undefined, // of nothing but keyrings: packages/keyring/src/sync-worker.ts
  readSync: (fd: number, ...rest: unknown[]): unknown =>
    keyrings.has(fd) ? 0 : Reflect.apply(readSync, fs, [fd, ...rest]),
  writeSync: (fd: number, ...rest: unknown[]): unknown =>
    keyrings.has(fd) ? rest[2] : Reflect.apply(writeSync, fs, [fd, ...rest]),
})
syncBuiltinESMExports()

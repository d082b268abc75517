/** Push registrations, sealed on their way into the store and opened on their way out (migrations/0051_push.sql says why). */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import type { Random } from '@sealpost/runtime'
import type { PushDevice, PushStore } from './store.ts'

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Where a device wants to be woken. */
export interface PushTarget {
  /** JID of the push service. */
  readonly service: string
  /** Empty: the service did not want one. */
  readonly node: string
  /** Fields and values of the publish options that go with each request. */
  readonly options: readonly (readonly [name: string, values: readonly string[]])[]
}

export type PushRegistration = PushTarget & PushDevice

export class PushRegistry {
  readonly #store: PushStore
  readonly #random: Pick<Random, 'bytes'>
  readonly #sealing: Buffer
  readonly #hashing: Buffer

  constructor(store: PushStore, key: Buffer, random: Pick<Random, 'bytes'>) {
    const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', key, '', purpose, KEY_BYTES))
    this.#store = store
    this.#random = random
    this.#sealing = derive('sealpost push registration')
    this.#hashing = derive('sealpost push name')
  }

  /** False when the device is not known. */
  put(accountId: string, deviceId: string, target: PushTarget): Promise<boolean> {
    return this.#store.put(accountId, deviceId, {
      serviceHash: this.#hash(accountId, target.service),
      targetHash: this.#hash(accountId, target.service, target.node),
      sealed: this.#seal(accountId, target),
    })
  }

  /** Without those of a key that is lost. */
  async ofAccount(accountId: string): Promise<PushRegistration[]> {
    const rows = await this.#store.ofAccount(accountId)
    return rows.flatMap(({ deviceId, registered, sealed }) => {
      const target = this.#open(accountId, sealed)
      return target ? [{ ...target, accountId, deviceId, registered }] : []
    })
  }

  /** As PushStore.devices. */
  devices(after: PushDevice | undefined, max: number): Promise<PushDevice[]> {
    return this.#store.devices(after, max)
  }

  /** All nodes of a service, or one. */
  remove(accountId: string, service: string, node?: string): Promise<void> {
    if (node === undefined) return this.#store.removeService(accountId, this.#hash(accountId, service))
    return this.#store.removeTarget(accountId, this.#hash(accountId, service, node))
  }

  removeDevice(accountId: string, identity: Buffer): Promise<void> {
    return this.#store.removeDevice(accountId, identity)
  }

  erase(accountId: string): Promise<void> {
    return this.#store.erase(accountId)
  }

  #hash(...names: readonly string[]): Buffer {
    return createHmac('sha256', this.#hashing).update(JSON.stringify(names)).digest()
  }

  #seal(accountId: string, target: PushTarget): Buffer {
    const nonce = this.#random.bytes(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, this.#sealing, nonce).setAAD(Buffer.from(accountId))
    const sealed = Buffer.concat([cipher.update(JSON.stringify(target)), cipher.final()])
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()])
  }

  #open(accountId: string, sealed: Buffer): PushTarget | undefined {
    try {
      const decipher = createDecipheriv(CIPHER, this.#sealing, sealed.subarray(0, NONCE_BYTES))
      decipher.setAAD(Buffer.from(accountId)).setAuthTag(sealed.subarray(-TAG_BYTES))
      const opened = [decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]
      return JSON.parse(Buffer.concat(opened).toString()) as PushTarget
    } catch {
      return undefined
    }
  }
}

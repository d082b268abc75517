/**
 * What a client says of its device, as it is kept: HMAC-SHA-256 of the account's id and the value, under a key of its own. One device looks different in
 * every account; whoever holds the database alone can test no value that they suspect.
 */
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { openSecretFile, type Random } from '@sealpost/runtime'

const KEY_BYTES = 32

/** As a client or a person says it. */
export interface DeviceProperties {
  /** What kind of device it is, such as a model: up to DEVICE_TYPE_CHARS_MAX characters. Undefined: not said. */
  readonly type: string | undefined
  /** What tells its hardware from any other: up to HARDWARE_ID_CHARS_MAX characters. Undefined: not said. */
  readonly hardwareId: string | undefined
}

/** What is kept of it. */
export interface DeviceBinding {
  readonly typeHash: Buffer | undefined
  readonly hardwareHash: Buffer | undefined
}

export class DeviceHashes {
  readonly #key: string

  constructor(key: string) {
    this.#key = key
  }

  bindingOf(accountId: string, { type, hardwareId }: DeviceProperties): DeviceBinding {
    return {
      typeHash: type === undefined ? undefined : this.ofType(accountId, type),
      hardwareHash: hardwareId === undefined ? undefined : this.#hash(accountId, 'hardware', hardwareId),
    }
  }

  /** However it is written: letter case, width and spaces make no difference. */
  ofType(accountId: string, type: string): Buffer {
    return this.#hash(accountId, 'type', type.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/gu, ' '))
  }

  #hash(accountId: string, kind: 'type' | 'hardware', value: string): Buffer {
    return createHmac('sha256', this.#key).update(`device\0${accountId}\0${kind}\0${value}`).digest()
  }
}

/** With the key of the data directory, made by whoever comes first. Without it, what is kept can be compared with nothing any more. */
export async function openDeviceHashes(dataDir: string, random: Random): Promise<DeviceHashes> {
  return new DeviceHashes(
    await openSecretFile(join(dataDir, 'devices.key'), random, () => random.token(KEY_BYTES)),
  )
}

/** A Sealpost with a key directory, and a second one on its database through which the owner of an address publishes a key at once. */
import { createKeysService } from '@sealpost/keys-service'
import type { KeysService } from '@sealpost/keys-service'
import { createTestPlatform } from '../platform.ts'
import { Sealpost } from './sealpost.ts'

export class KeyDirectory implements AsyncDisposable {
  readonly sealpost: Sealpost
  readonly #service: KeysService
  readonly #held: AsyncDisposableStack

  private constructor(sealpost: Sealpost, service: KeysService, held: AsyncDisposableStack) {
    this.sealpost = sealpost
    this.#service = service
    this.#held = held
  }

  static async start(domains: readonly string[]): Promise<KeyDirectory> {
    await using stack = new AsyncDisposableStack()
    const environment = { SEALPOST_DOMAIN: domains.join(',') }
    const sealpost = stack.use(await Sealpost.start({ environment }))
    const own = stack.use(await createTestPlatform(domains, await sealpost.databaseUrl()))
    const platform = { ...own, dataDir: sealpost.dataDirectory }
    const config = { hkpPort: 0, publicOrigin: () => 'https://localhost', mailUrl: undefined }
    const mail = { send: () => Promise.reject(new Error('nobody verifies anything here')) }
    const service = stack.use(await createKeysService(config, platform, { mail }))
    return new KeyDirectory(sealpost, service, stack.move())
  }

  /** Of HKP, as browsers write it. */
  get origin(): string {
    return `http://127.0.0.1:${String(this.sealpost.hkpPort)}`
  }

  get keyserver(): string {
    return `hkp://127.0.0.1:${String(this.sealpost.hkpPort)}`
  }

  async publish(fingerprint: string, address: string): Promise<void> {
    await this.#service.directory.publish(fingerprint, address)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync()
  }
}

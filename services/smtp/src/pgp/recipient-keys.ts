/** Whom a mail can be encrypted to: what our own directory has published for an address comes first, then what the sources around it know, in their order. */
import type { SessionKey } from '@sealpost/openpgp'
import type { KeyDirectory } from '@sealpost/ports'
import type { SessionKeyThread } from './session-key-thread.ts'

/** Finds certificates by address. */
export interface KeySource {
  /** Undefined: it is certain that there is none. Throws when nobody knows now. */
  find(address: string): Promise<Buffer | undefined>
}

/** `none`: nobody has a certificate for the address that can be encrypted to. `failed`: somebody could not be asked; another time, perhaps. */
export type RecipientKey =
  | { readonly result: 'found'; readonly session: SessionKey }
  | { readonly result: 'none' }
  | { readonly result: 'failed' }

export interface RecipientKeysOptions {
  readonly directory: Pick<KeyDirectory, 'find'>
  /** In the order in which they are asked. */
  readonly sources: readonly KeySource[]
  readonly thread: Pick<SessionKeyThread, 'make'>
  readonly onError: (error: unknown) => void
}

export class RecipientKeys {
  readonly #options: RecipientKeysOptions

  constructor(options: RecipientKeysOptions) {
    this.#options = options
  }

  /** Never throws. */
  async find(address: string): Promise<RecipientKey> {
    const { directory, sources, thread, onError } = this.#options
    let failed = false
    for (const source of [directory, ...sources]) {
      try {
        const certificate = await source.find(address)
        const session = certificate && (await thread.make(certificate, address))
        if (session !== undefined) return { result: 'found', session }
      } catch (error) {
        failed = true
        onError(error)
        // Whoever comes later may have an older certificate than the one that could not be asked for.
        if (source === directory) break
      }
    }
    return { result: failed ? 'failed' : 'none' }
  }
}

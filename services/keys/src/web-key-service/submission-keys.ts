/**
 * draft-koch-openpgp-webkey-service §4.1, §4.2: the submission address of each domain and the key behind it. The secret key lies in a file of the data directory, made
 * when it is first needed; what others need of it is published in the directory like anybody's key, and is in the transparency log.
 */
import { join } from 'node:path'
import { KEY_SUBMISSION_NAME } from '@sealpost/accounts'
import { OperationalError } from '@sealpost/errors'
import { type Random, openSecretFile } from '@sealpost/runtime'
import type { Directory } from '../directory/directory.ts'
import type { SubmissionThread } from './submission-thread.ts'

/** In the data directory. Processes on different machines need the same files each. */
export const SUBMISSION_KEYS_DIRECTORY = 'key-submission'

export interface SubmissionKeysOptions {
  readonly directory: Directory
  readonly thread: Pick<SubmissionThread, 'makeKey' | 'certificateOf'>
  readonly dataDir: string
  readonly random: Random
}

/** Domains as DNS has them: lower case, A-labels. */
export class SubmissionKeys {
  readonly #options: SubmissionKeysOptions
  readonly #secrets = new Map<string, Promise<Buffer>>()

  constructor(options: SubmissionKeysOptions) {
    this.#options = options
  }

  addressOf(domain: string): string {
    return `${KEY_SUBMISSION_NAME}@${domain}`
  }

  /** The secret key of a domain of ours; when it resolves, its certificate is found. What fails is tried again when it is asked for again. Throws
   * KEYS_SUBMISSION_KEY when the file holds something else, SECRET_FILE_OPEN, and what the thread and the directory throw. */
  secretOf(domain: string): Promise<Buffer> {
    const known = this.#secrets.get(domain)
    if (known !== undefined) return known
    const opening = this.#open(domain)
    this.#secrets.set(domain, opening)
    opening.catch(() => this.#secrets.delete(domain))
    return opening
  }

  async #open(domain: string): Promise<Buffer> {
    const { thread, dataDir, random } = this.#options
    const address = this.addressOf(domain)
    const path = join(dataDir, SUBMISSION_KEYS_DIRECTORY, `${domain}.key`)
    const make = async (): Promise<string> => (await thread.makeKey(address)).toString('base64')
    const secret = Buffer.from(await openSecretFile(path, random, make), 'base64')
    const certificate = await thread.certificateOf(secret)
    if (certificate === undefined)
      throw new OperationalError(
        'KEYS_SUBMISSION_KEY',
        `A file of ${SUBMISSION_KEYS_DIRECTORY} in the data directory is damaged`,
      )
    await this.#publish(address, certificate)
    return secret
  }

  async #publish(address: string, certificate: Buffer): Promise<void> {
    const { directory } = this.#options
    const [submitted] = (await directory.submit(certificate)).certificates
    if (submitted !== undefined && (await directory.ownerOf(address)) !== submitted.fingerprint)
      await directory.publish(submitted.fingerprint, address)
  }
}

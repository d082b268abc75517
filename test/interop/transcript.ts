/** What a client and the server said to each other, kept so that a failed test can show it. Secrets are cut out as they come in. */
import { onTestFailed } from 'vitest'

/** The end of a conversation is what explains a failure. */
const LINES_MAX = 120
const LINE_CHARACTERS_MAX = 1_500

/** Proofs and passwords of the sign-in (RFC 6120 §6.4, XEP-0388), tokens (XEP-0484); key material in PEP is public. */
const SECRETS = /(<(?:auth|response|challenge|success|initial-response|additional-data)\b[^>]*>)[^<]+/g
const TOKENS = /(<token\b[^>]*\btoken=["'])[^"']+/g

export class Transcript {
  readonly #name: string
  readonly #secrets: readonly string[]
  readonly #lines: string[] = []

  /** `secrets` never appear in what is printed. */
  constructor(name: string, secrets: readonly string[] = []) {
    this.#name = name
    this.#secrets = secrets
    onTestFailed(() => {
      process.stderr.write(`\n--- ${this.#name}\n${this.#lines.join('\n')}\n`)
    })
  }

  add(direction: string, text: string): void {
    let clean = text.replace(SECRETS, '$1[secret]').replace(TOKENS, '$1[secret]')
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '[secret]')
    this.#lines.push(`${this.#name} ${direction} ${clean}`.slice(0, LINE_CHARACTERS_MAX))
    if (this.#lines.length > LINES_MAX) this.#lines.shift()
  }
}

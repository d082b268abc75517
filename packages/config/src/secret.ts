/** A value that must not be printed by accident. */
import { inspect } from 'node:util'

/** Holds a secret string. Prints `[secret]` under String, JSON and util.inspect; `reveal()` is the only way to the value. */
export class Secret {
  readonly #value: string

  private constructor(value: string) {
    this.#value = value
  }

  static of(value: string): Secret {
    return new Secret(value)
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

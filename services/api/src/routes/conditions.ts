/**
 * RFC 9110 §8.8.3 and §13.1: what a GET shows has an entity tag, a hash of it. Whoever changes a thing may say which state of it they have seen (If-Match); when it has
 * changed since, they are told so and nothing is done. One at a time for each path, so that of two who have seen the same state one wins.
 */
import { createHash } from 'node:crypto'
import { HttpProblem } from '@sealpost/http'
import type { Command } from '../commands/command.ts'

const changed = () => new HttpProblem(412, 'changed', 'This is not as you have seen it any more: look again')

/** Strong: the same bytes have the same tag, and no others. */
export function entityTag(shown: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(shown) ?? '')
  return `"${digest.digest('base64url').slice(0, 22)}"`
}

/** RFC 9110 §13.1.2: whether If-None-Match names the tag, compared weakly. */
export function namesTag(header: string | undefined, tag: string): boolean {
  return header === '*' || tags(header).some((each) => each.replace(/^W\//, '') === tag)
}

function tags(header: string | undefined): string[] {
  return header?.match(/(?:W\/)?"[\x21\x23-\x7e\u0080-\u00ff]*"/g) ?? []
}

export class Conditions {
  readonly #readers: ReadonlyMap<string, Command>
  /** The last of those who wait for a path; bounded by the requests under way. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(commands: readonly Command[]) {
    const readers = commands.filter(({ method }) => method === 'GET')
    this.#readers = new Map(readers.map((command) => [command.path, command]))
  }

  /**
   * Does `act` if what is shown at `url` is as the header says; throws 412 otherwise, also where nothing is shown. `read` runs the command that shows it.
   */
  async guard<T>(
    { path }: Pick<Command, 'path'>,
    { url, ifMatch }: { readonly url: string; readonly ifMatch: string | undefined },
    read: (reader: Command) => Promise<unknown>,
    act: () => Promise<T>,
  ): Promise<T> {
    if (ifMatch === undefined) return act()
    const reader = this.#readers.get(path)
    if (reader === undefined) throw changed()
    return this.#inTurn(url, async () => {
      const tag = entityTag(await read(reader))
      // RFC 9110 §13.1.1: compared strongly, so that a weak tag never fits.
      if (ifMatch.trim() !== '*' && !tags(ifMatch).includes(tag)) throw changed()
      return act()
    })
  }

  async #inTurn<T>(url: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(url)
    const mine = (async () => {
      await before?.catch(() => undefined)
      return work()
    })()
    this.#turns.set(url, mine)
    try {
      return await mine
    } finally {
      if (this.#turns.get(url) === mine) this.#turns.delete(url)
    }
  }
}

/**
 * The audit log: who did what to what, and why. Every action is two entries: one before it, so that nothing happens without a record, and one that
 * says what became of it. Entries are chained by hashes and never change.
 */
import type { Clock } from '@sealpost/runtime'
import {
  hashEntry,
  NO_HASH,
  type AuditActor,
  type AuditDetails,
  type AuditEntry,
  type AuditTarget,
} from './entry.ts'
import type { AuditQuery, AuditStore } from './store.ts'

export interface AuditAction {
  readonly actor: AuditActor
  /** Name of the command. */
  readonly action: string
  readonly target?: AuditTarget | undefined
  /** Up to 500 characters. */
  readonly reason?: string | undefined
  readonly details?: AuditDetails | undefined
}

/** An action under way. */
export interface BegunAction {
  /** `target`: of what was made. */
  done(details?: AuditDetails, target?: AuditTarget): Promise<void>
  /** `code`: a stable word. */
  refused(code: string): Promise<void>
}

export interface AuditVerdict {
  readonly entries: number
  /** Hash of the newest entry, in hex. */
  readonly head: string
  /** The first entry that is missing, changed or out of place; undefined: all are as they were written. */
  readonly broken: number | undefined
}

/** An entry whose hash was noted outside the database; in hex. */
export interface AuditHead {
  readonly seq: number
  readonly hash: string
}

export interface AuditLog {
  /** Resolves when the entry is committed; only then may the action be taken. */
  begin(action: AuditAction): Promise<BegunAction>
  /** A single entry, of what has happened already. */
  note(action: AuditAction): Promise<void>
  /** The newest first. */
  find(query: AuditQuery): Promise<AuditEntry[]>
  /** Entries after `seq`, the oldest first. */
  after(seq: number, limit: number): Promise<AuditEntry[]>
  /** Recomputes the chain from the first entry on, and compares it with heads noted before. */
  verify(heads?: readonly AuditHead[]): Promise<AuditVerdict>
}

const PAGE = 500
const DETAILS_CHARS_MAX = 16_000

export function createAuditLog({ store, clock }: { store: AuditStore; clock: Pick<Clock, 'now'> }): AuditLog {
  const say = (
    { actor, action, target, reason, details }: AuditAction,
    phase: 'begun' | 'done' | 'refused',
    begun?: number,
  ): Promise<AuditEntry> =>
    store.append({ at: clock.now(), actor, action, target, reason, phase, begun, details: toJson(details) })

  async function* all(): AsyncIterable<AuditEntry> {
    for (let seq = 0; ;) {
      const entries = await store.after(seq, PAGE)
      yield* entries
      const last = entries.at(-1)
      if (last === undefined) return
      ;({ seq } = last)
    }
  }

  return {
    find: (query) => store.find(query),
    after: (seq, limit) => store.after(seq, limit),
    note: async (action) => void (await say(action, 'done')),

    async begin(action) {
      const { seq } = await say(action, 'begun')
      const { actor, action: name } = action
      return {
        done: async (details, target = action.target) =>
          void (await say({ actor, action: name, target, details }, 'done', seq)),
        refused: async (code) =>
          void (await say({ actor, action: name, target: action.target, details: { code } }, 'refused', seq)),
      }
    },

    async verify(heads = []) {
      const noted = new Map(heads.map(({ seq, hash }) => [seq, hash]))
      let [entries, previous] = [0, NO_HASH]
      for await (const entry of all()) {
        const seq = entries + 1
        const hash = hashEntry(seq, previous, entry)
        const asNoted = noted.get(seq) ?? hash.toString('hex')
        if (entry.seq !== seq || !hash.equals(entry.hash) || asNoted !== hash.toString('hex'))
          return { entries, head: previous.toString('hex'), broken: seq }
        ;[entries, previous] = [seq, hash]
      }
      const missing = [...noted.keys()].filter((seq) => seq > entries)
      const broken = missing.length === 0 ? undefined : entries + 1
      return { entries, head: previous.toString('hex'), broken }
    },
  }
}

/** Details that would not fit are left out, and that is said. */
function toJson(details: AuditDetails = {}): string {
  const text = JSON.stringify(details)
  return text.length <= DETAILS_CHARS_MAX ? text : '{"left_out":true}'
}

/**
 * Four eyes: what one asks for, another approves, and the first then does, once and within a day. Bound to the command and everything that it is told, so that
 * nothing else can be done with it.
 */
import { createHash } from 'node:crypto'
import type { Clock, Random } from '@sealpost/runtime'
import { AccessError } from './access-error.ts'
import type { ApprovalQuery, ApprovalRow, ApprovalStore } from './approval-store.ts'

const LIFE_MS = 24 * 3_600_000
/** Of one requester. */
const OPEN_MAX = 50

/** Who asks. `askedBy`: the administrator behind it, who cannot approve; undefined: a key that was made on the host. */
export interface Requester {
  readonly kind: 'administrator' | 'key'
  readonly id: string
  readonly askedBy: string | undefined
  readonly organisationId: string | undefined
}

/** What is asked for, in full. */
export interface AskedFor {
  readonly action: string
  readonly params: object
  readonly query: object
  readonly body: object
}

export interface Approvals {
  /** Asking twice is asking once: then it is not new. APPROVAL_LIMIT. */
  ask(
    requester: Requester,
    asked: AskedFor,
    shown: Pick<ApprovalRow, 'target' | 'details' | 'reason'>,
  ): Promise<{ readonly approval: ApprovalRow; readonly isNew: boolean }>
  /** Uses it up. APPROVAL_UNKNOWN, APPROVAL_OPEN, APPROVAL_REFUSED. */
  use(id: string, requester: Requester, asked: AskedFor): Promise<void>
  find(id: string): Promise<ApprovalRow | undefined>
  list(query: Omit<ApprovalQuery, 'now'>): Promise<ApprovalRow[]>
  /** `by`: the administrator; undefined: on the host. APPROVAL_UNKNOWN, APPROVAL_OWN. */
  decide(id: string, state: 'approved' | 'refused', by: string | undefined): Promise<ApprovalRow>
}

export interface ApprovalsParts {
  readonly store: ApprovalStore
  readonly clock: Clock
  readonly random: Random
}

export function createApprovals({ store, clock, random }: ApprovalsParts): Approvals {
  return {
    async ask({ kind, id, askedBy, organisationId }, asked, shown) {
      const now = clock.now()
      const requester = { kind, id }
      const row = { id: random.uuid(), action: asked.action, requester, askedBy, organisationId, ...shown }
      const times = { askedAt: now, expiresAt: now + LIFE_MS }
      const state = { state: 'open', decidedBy: undefined, requestHash: hash(asked) } as const
      const approval = await store.ask({ ...row, ...state, ...times }, OPEN_MAX)
      if (approval === undefined) throw new AccessError('APPROVAL_LIMIT')
      return { approval, isNew: approval.id === row.id }
    },

    async use(id, requester, asked) {
      if (await store.use(id, requester.id, hash(asked), clock.now())) return
      const known = await store.find(id, clock.now())
      const isOurs = known?.requester.id === requester.id && known.requestHash.equals(hash(asked))
      if (isOurs && known.state === 'open') throw new AccessError('APPROVAL_OPEN')
      if (isOurs && known.state === 'refused') throw new AccessError('APPROVAL_REFUSED')
      throw new AccessError('APPROVAL_UNKNOWN')
    },

    find: (id) => store.find(id, clock.now()),
    list: (query) => store.list({ ...query, now: clock.now() }),

    async decide(id, state, by) {
      const known = await store.find(id, clock.now())
      if (known === undefined) throw new AccessError('APPROVAL_UNKNOWN')
      if (by !== undefined && by === known.askedBy) throw new AccessError('APPROVAL_OWN')
      const decided = await store.decide(id, state, by, clock.now())
      if (decided === undefined) throw new AccessError('APPROVAL_DECIDED')
      return decided
    },
  }
}

function hash({ action, params, query, body }: AskedFor): Buffer {
  return createHash('sha256')
    .update(canonical([action, params, query, body]))
    .digest()
}

/** JSON with the names of each object in order: the same request has one hash, however it was written. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each
    return Object.fromEntries(Object.entries(each).toSorted(([one], [other]) => (one < other ? -1 : 1)))
  })
}

/**
 * Figures of one organisation with all below it, so coarse that they tell of no person: multiples of the floor, never more than there are, nothing below it. Each figure of each
 * organisation has steps at places of its own that nobody knows, and stays as it is for a day. So what two figures differ by (a whole and its parts, today and after an account was
 * made) is a multiple of the floor as well, and its change is by no account that somebody could name.
 */
import { dayOf, type MemberCounts, type Organisations } from '@sealpost/accounts'
import { type Db, sql } from '@sealpost/db'
import type { Clock, Random } from '@sealpost/runtime'
import { fairDraw } from '../fair-draw.ts'

/** Of how many accounts is told at least. */
export const FLOOR = 10
/** An account that was signed in to within them is in use. */
export const USED_DAYS = 30

const FIGURES = ['active', 'suspended', 'used', 'withKey'] as const satisfies readonly (keyof MemberCounts)[]

/** Undefined: below the floor, or near it. */
export type CoarseCounts = { readonly [name in keyof MemberCounts]: number | undefined }

export interface OrganisationFigures extends CoarseCounts {
  /** UTC; the figures are of this day. */
  readonly day: string
}

export interface OrganisationFiguresOptions {
  /** With the role `sealpost_api`. */
  readonly db: Db
  readonly organisations: Pick<Organisations, 'countMembers'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'bytes'>
}

interface Row {
  readonly day: string
  readonly offsets: number[]
  readonly active: number | null
  readonly suspended: number | null
  readonly used: number | null
  readonly with_key: number | null
}

/** Rounds down to a multiple of the floor, in steps that are moved up by `offset` (0 to FLOOR - 1). */
export function coarsen(count: number, offset: number): number | undefined {
  const told = Math.floor((count - offset) / FLOOR) * FLOOR
  return told < FLOOR ? undefined : told
}

/** Of an organisation that exists. */
export class AllOrganisationFigures {
  readonly #options: OrganisationFiguresOptions

  constructor(options: OrganisationFiguresOptions) {
    this.#options = options
  }

  async of(organisationId: string): Promise<OrganisationFigures> {
    const today = dayOf(this.#options.clock.now())
    let row = await this.#find(organisationId)
    if (row?.day !== today) {
      await this.#count(organisationId, today, row?.offsets ?? this.#makeOffsets())
      row = await this.#find(organisationId)
    }
    return {
      day: row?.day ?? today,
      active: row?.active ?? undefined,
      suspended: row?.suspended ?? undefined,
      used: row?.used ?? undefined,
      withKey: row?.with_key ?? undefined,
    }
  }

  async eraseOrganisation(organisationId: string): Promise<void> {
    await this.#options.db.execute(
      sql`delete from api.organisation_statistics where organisation_id = ${organisationId}::uuid`,
    )
  }

  async #find(organisationId: string): Promise<Row | undefined> {
    const [row] = await this.#options.db.query<Row>(sql`
      select day, offsets, active, suspended, used, with_key from api.organisation_statistics
      where organisation_id = ${organisationId}::uuid`)
    return row
  }

  /** Of many who ask at once, the first is who counts. */
  async #count(organisationId: string, today: string, offsets: readonly number[]): Promise<void> {
    const { db, organisations, clock } = this.#options
    const counts = await organisations.countMembers(organisationId, dayOf(clock.now(), -USED_DAYS))
    const told = FIGURES.map((name, index) => coarsen(counts[name], offsets[index] ?? 0) ?? null)
    const [active, suspended, used, withKey] = told
    await db.execute(sql`
      insert into api.organisation_statistics as s (organisation_id, day, offsets, active, suspended, used, with_key)
      values (${organisationId}::uuid, ${today}::date, ${[...offsets]}::smallint[], ${active}, ${suspended}, ${used}, ${withKey})
      on conflict (organisation_id) do update set day = excluded.day, active = excluded.active, suspended = excluded.suspended,
        used = excluded.used, with_key = excluded.with_key
      where s.day < excluded.day and s.offsets = excluded.offsets`)
  }

  #makeOffsets(): number[] {
    return FIGURES.map(() => fairDraw(this.#options.random, FLOOR))
  }
}

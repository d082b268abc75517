/** What the map says of one table: why it exists, when its rows go, whether their owner gets them, and what becomes of them when an account ends. */

/** Of a person's rights: `export` names the part of their own data (`GET /v1/me/export`) in which they find it. */
export type Told = { readonly export: string } | { readonly notExported: string }

interface Entry {
  readonly purpose: string
  /** When it goes. */
  readonly kept: string
  /** By name; each says why it exists. */
  readonly columns: Readonly<Record<string, string>>
}

/** Names nobody, and leads to nobody. */
export interface ImpersonalTable extends Entry {
  readonly about: 'nobody'
}

export interface PersonalTable extends Entry {
  /** `account`: whoever has one. `administrator`: whoever administers. `stranger`: people elsewhere, none of whom is named. */
  readonly about: 'account' | 'administrator' | 'stranger'
  readonly told: Told
  /** What becomes of it when the account, or the administrator, goes. */
  readonly erased: string
  /** Holds what people write to each other: as ciphertext, under keys that are not in Postgres and are destroyed. */
  readonly sealed?: true
}

export type TableEntry = ImpersonalTable | PersonalTable
export type Tables = Readonly<Record<string, TableEntry>>

/** What node-pg-migrate keeps of a schema. */
export const MIGRATION: ImpersonalTable = {
  about: 'nobody',
  purpose: 'Which migrations have run',
  kept: 'for ever',
  columns: { id: 'number', name: 'name of the migration', run_on: 'when it ran' },
}

/** Administrators and their proofs in Postgres, schema `api`. */
import { DbError, empty, isUniqueViolation, sql, type Db, type Tx } from '@sealpost/db'
import { AccessError } from './access-error.ts'
import type { Role } from './roles.ts'
import {
  nameKey,
  type AccessStore,
  type AdministratorRow,
  type Enrolled,
  type PasskeyRow,
  type TotpRow,
} from './store.ts'

export interface SqlAdministrator {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly organisation_id: string | null
  readonly created_on: string
  readonly last_used_on: string | null
}

interface SqlPasskey {
  readonly id: string
  readonly credential_id: Buffer
  readonly public_key: Buffer
  readonly counter: number
  readonly transports: string[]
  readonly passkey_name: string
  readonly passkey_created_on: string
  readonly passkey_last_used_on: string | null
}

interface SqlTotp {
  readonly sealed_secret: Buffer
  readonly used_step: number
  readonly totp_created_on: string
}

/** Of the table or alias `a`. */
export const ADMINISTRATOR_COLUMNS = sql`a.id, a.name, a.role, a.organisation_id, a.created_on, a.last_used_on`

const PASSKEY_COLUMNS = sql`p.credential_id, p.public_key, p.counter, p.transports, p.name as passkey_name,
  p.created_on as passkey_created_on, p.last_used_on as passkey_last_used_on`

const TOTP_COLUMNS = sql`t.sealed_secret, t.used_step, t.created_on as totp_created_on`

/** Needs a connection with the role `sealpost_api` on a migrated database. */
export function postgresAccessStore(db: Db): AccessStore {
  return { ...administrators(db), ...ownPasskeys(db), ...ownCodes(db) }
}

type Codes = Pick<
  AccessStore,
  'totpByName' | 'setTotp' | 'useTotpStep' | 'removeTotp' | 'replaceCodes' | 'useCode'
>

type Administrators = Pick<
  AccessStore,
  | 'insert'
  | 'enrolAnew'
  | 'find'
  | 'list'
  | 'countApprovers'
  | 'anybody'
  | 'rename'
  | 'setRole'
  | 'remove'
  | 'removeOf'
  | 'recordUse'
>

function administrators(db: Db): Administrators {
  return {
    insert: (administrator, enrolled) =>
      told(() =>
        db.transaction(async (tx) => {
          const { id, name, role, organisationId, createdOn } = administrator
          await tx.execute(sql`
            insert into api.administrator (id, name, name_key, role, organisation_id, created_on)
            values (${id}::uuid, ${name}, ${nameKey(name)}, ${role}, ${organisationId ?? null}::uuid, ${createdOn}::date)`)
          await insertProofs(tx, id, enrolled)
        }),
      ),

    enrolAnew: (id, name, enrolled) =>
      told(() =>
        db.transaction(async (tx) => {
          await rename(tx, id, name)
          await tx.execute(sql`delete from api.passkey where administrator_id = ${id}::uuid`)
          await tx.execute(sql`delete from api.totp where administrator_id = ${id}::uuid`)
          await tx.execute(sql`delete from api.recovery_code where administrator_id = ${id}::uuid`)
          await endSessions(tx, id)
          await insertProofs(tx, id, enrolled)
        }),
      ),

    async find(id) {
      const rows = await db.query<SqlAdministrator>(
        sql`select ${ADMINISTRATOR_COLUMNS} from api.administrator a where a.id = ${id}::uuid`,
      )
      return rows.map(toAdministrator)[0]
    },

    async list({ after, limit, organisationIds }) {
      const within = organisationIds && sql`and a.organisation_id = any (${[...organisationIds]}::uuid[])`
      const rows = await db.query<SqlAdministrator & { passkeys: number; totp: boolean }>(sql`
        select ${ADMINISTRATOR_COLUMNS}, (select count(*) from api.passkey p where p.administrator_id = a.id) as passkeys,
          exists (select from api.totp t where t.administrator_id = a.id) as totp
        from api.administrator a where (${after ?? null}::uuid is null or a.id > ${after ?? null}::uuid) ${within ?? empty}
        order by a.id limit ${limit}`)
      return rows.map((row) => ({ ...toAdministrator(row), passkeys: row.passkeys, totp: row.totp }))
    },

    async countApprovers(organisationId) {
      const [row] = await db.query<{ count: number }>(sql`
        select count(*) from api.administrator where organisation_id is not distinct from ${organisationId ?? null}::uuid
          and role in ('owner', 'admin', 'org_admin', 'reseller')`)
      return row?.count ?? 0
    },

    anybody: async () => (await db.query(sql`select from api.administrator limit 1`)).length > 0,
    rename: (id, name) => told(() => rename(db, id, name)),

    setRole: (id, role, organisationId) =>
      told(() =>
        db.transaction(async (tx) => {
          const changed = await tx.execute(sql`
            update api.administrator set role = ${role}, organisation_id = ${organisationId ?? null}::uuid where id = ${id}::uuid`)
          if (changed === 0) throw new AccessError('ADMINISTRATOR_UNKNOWN')
          await endSessions(tx, id)
        }),
      ),

    async remove(id) {
      const gone = await told(() => db.execute(sql`delete from api.administrator where id = ${id}::uuid`))
      if (gone === 0) throw new AccessError('ADMINISTRATOR_UNKNOWN')
    },

    async removeOf(organisationId) {
      await db.execute(sql`delete from api.administrator where organisation_id = ${organisationId}::uuid`)
    },

    async recordUse(id, day) {
      await db.execute(sql`
        update api.administrator set last_used_on = ${day}::date
        where id = ${id}::uuid and last_used_on is distinct from ${day}::date`)
    },
  }
}

function ownPasskeys(db: Db): Omit<AccessStore, keyof Administrators | keyof Codes> {
  return {
    async security(id) {
      const passkeys = await db.query<SqlPasskey>(sql`
        select p.id, ${PASSKEY_COLUMNS} from api.passkey p where p.administrator_id = ${id}::uuid order by p.created_on, p.id`)
      const [totp] = await db.query<SqlTotp>(
        sql`select ${TOTP_COLUMNS} from api.totp t where t.administrator_id = ${id}::uuid`,
      )
      const [codes] = await db.query<{ count: number }>(
        sql`select count(*) from api.recovery_code where administrator_id = ${id}::uuid`,
      )
      return { passkeys: passkeys.map(toPasskey), totp: totp && toTotp(totp), codesLeft: codes?.count ?? 0 }
    },

    async passkeyByCredential(credentialId) {
      const [row] = await db.query<SqlAdministrator & Omit<SqlPasskey, 'id'> & { passkey_id: string }>(sql`
        select ${ADMINISTRATOR_COLUMNS}, p.id as passkey_id, ${PASSKEY_COLUMNS}
        from api.passkey p join api.administrator a on a.id = p.administrator_id where p.credential_id = ${credentialId}`)
      return (
        row && { administrator: toAdministrator(row), passkey: toPasskey({ ...row, id: row.passkey_id }) }
      )
    },

    addPasskey: (administratorId, passkey, max) =>
      told(() =>
        db.transaction(async (tx) => {
          await lockAdministrator(tx, administratorId)
          const [row] = await tx.query<{ count: number }>(
            sql`select count(*) from api.passkey where administrator_id = ${administratorId}::uuid`,
          )
          if ((row?.count ?? 0) >= max) throw new AccessError('PASSKEY_LIMIT')
          await insertPasskey(tx, administratorId, passkey)
        }),
      ),

    async recordPasskeyUse(id, counter, day) {
      await db.execute(sql`
        update api.passkey set counter = greatest(counter, ${counter}), last_used_on = ${day}::date where id = ${id}::uuid`)
    },

    async renamePasskey(administratorId, id, name) {
      const changed = await db.execute(sql`
        update api.passkey set name = ${name} where id = ${id}::uuid and administrator_id = ${administratorId}::uuid`)
      if (changed === 0) throw new AccessError('PASSKEY_UNKNOWN')
    },

    removePasskey: (administratorId, id) =>
      db.transaction(async (tx) => {
        await lockAdministrator(tx, administratorId)
        const gone = await tx.execute(
          sql`delete from api.passkey where id = ${id}::uuid and administrator_id = ${administratorId}::uuid`,
        )
        if (gone === 0) throw new AccessError('PASSKEY_UNKNOWN')
        await checkProofRemains(tx, administratorId)
      }),
  }
}

function ownCodes(db: Db): Codes {
  return {
    async totpByName(name) {
      const [row] = await db.query<SqlAdministrator & SqlTotp>(sql`
        select ${ADMINISTRATOR_COLUMNS}, ${TOTP_COLUMNS} from api.totp t join api.administrator a on a.id = t.administrator_id
        where a.name_key = ${nameKey(name)}`)
      return row && { administrator: toAdministrator(row), totp: toTotp(row) }
    },

    setTotp: (administratorId, totp) => insertTotp(db, administratorId, totp),

    async useTotpStep(administratorId, step) {
      const taken = await db.execute(sql`
        update api.totp set used_step = ${step} where administrator_id = ${administratorId}::uuid and used_step < ${step}`)
      return taken > 0
    },

    removeTotp: (administratorId) =>
      db.transaction(async (tx) => {
        await lockAdministrator(tx, administratorId)
        await tx.execute(sql`delete from api.totp where administrator_id = ${administratorId}::uuid`)
        await checkProofRemains(tx, administratorId)
      }),

    replaceCodes: (administratorId, codeHashes) =>
      db.transaction(async (tx) => {
        await lockAdministrator(tx, administratorId)
        await tx.execute(sql`delete from api.recovery_code where administrator_id = ${administratorId}::uuid`)
        await insertCodes(tx, administratorId, codeHashes)
      }),

    async useCode(name, codeHash) {
      const rows = await db.query<SqlAdministrator>(sql`
        delete from api.recovery_code r using api.administrator a
        where r.administrator_id = a.id and a.name_key = ${nameKey(name)} and r.code_hash = ${codeHash}
        returning ${ADMINISTRATOR_COLUMNS}`)
      return rows.map(toAdministrator)[0]
    },
  }
}

/** The refusals of the database in our words. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DbError && error.code === 'SA001')
      throw new AccessError('ADMINISTRATORS_FULL', { cause: error })
    if (error instanceof DbError && error.code === 'SA002')
      throw new AccessError('LAST_OWNER', { cause: error })
    if (isUniqueViolation(error, 'administrator_name_key_key'))
      throw new AccessError('NAME_TAKEN', { cause: error })
    if (isUniqueViolation(error, 'passkey_credential_id_key'))
      throw new AccessError('CREDENTIAL_REFUSED', { cause: error })
    throw error
  }
}

async function rename(tx: Tx, id: string, name: string): Promise<void> {
  const changed = await tx.execute(
    sql`update api.administrator set name = ${name}, name_key = ${nameKey(name)} where id = ${id}::uuid`,
  )
  if (changed === 0) throw new AccessError('ADMINISTRATOR_UNKNOWN')
}

async function endSessions(tx: Tx, administratorId: string): Promise<void> {
  await tx.execute(
    sql`delete from api.administrator_session where administrator_id = ${administratorId}::uuid`,
  )
}

/** Of what one person has changes take turns. */
async function lockAdministrator(tx: Tx, id: string): Promise<void> {
  const rows = await tx.query(sql`select from api.administrator where id = ${id}::uuid for no key update`)
  if (rows.length === 0) throw new AccessError('ADMINISTRATOR_UNKNOWN')
}

async function checkProofRemains(tx: Tx, administratorId: string): Promise<void> {
  const rows = await tx.query(sql`
    select from api.passkey where administrator_id = ${administratorId}::uuid
    union all select from api.totp where administrator_id = ${administratorId}::uuid`)
  if (rows.length === 0) throw new AccessError('LAST_PROOF')
}

async function insertProofs(tx: Tx, id: string, { passkey, totp, codeHashes }: Enrolled): Promise<void> {
  if (passkey !== undefined) await insertPasskey(tx, id, passkey)
  if (totp !== undefined) await insertTotp(tx, id, totp)
  await insertCodes(tx, id, codeHashes)
}

async function insertPasskey(tx: Tx, administratorId: string, passkey: PasskeyRow): Promise<void> {
  const { id, credentialId, publicKey, counter, transports, name, createdOn } = passkey
  await tx.execute(sql`
    insert into api.passkey (id, administrator_id, credential_id, public_key, counter, transports, name, created_on)
    values (${id}::uuid, ${administratorId}::uuid, ${credentialId}, ${publicKey}, ${counter}, ${[...transports]}::text[],
      ${name}, ${createdOn}::date)`)
}

async function insertTotp(tx: Tx, administratorId: string, totp: TotpRow): Promise<void> {
  await tx.execute(sql`
    insert into api.totp (administrator_id, sealed_secret, used_step, created_on)
    values (${administratorId}::uuid, ${totp.sealedSecret}, ${totp.usedStep}, ${totp.createdOn}::date)
    on conflict (administrator_id) do update set sealed_secret = excluded.sealed_secret, used_step = excluded.used_step,
      created_on = excluded.created_on`)
}

async function insertCodes(tx: Tx, administratorId: string, codeHashes: readonly Buffer[]): Promise<void> {
  await tx.execute(sql`
    insert into api.recovery_code (administrator_id, code_hash)
    select ${administratorId}::uuid, unnest(${[...codeHashes]}::bytea[])`)
}

export function toAdministrator(row: SqlAdministrator): AdministratorRow {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    organisationId: row.organisation_id ?? undefined,
    createdOn: row.created_on,
    lastUsedOn: row.last_used_on ?? undefined,
  }
}

function toPasskey(row: SqlPasskey): PasskeyRow {
  return {
    id: row.id,
    credentialId: row.credential_id,
    publicKey: row.public_key,
    counter: row.counter,
    transports: row.transports,
    name: row.passkey_name,
    createdOn: row.passkey_created_on,
    lastUsedOn: row.passkey_last_used_on ?? undefined,
  }
}

function toTotp(row: SqlTotp): TotpRow {
  return { sealedSecret: row.sealed_secret, usedStep: row.used_step, createdOn: row.totp_created_on }
}

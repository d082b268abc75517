/** Groups in Postgres, schema `xmpp`. The only code that names these tables. */
import { type Db, sql, type Tx } from '@sealpost/db'
import { type Jid, parseJid } from '@sealpost/jid'
import { type Affiliated, type Affiliation, affiliations, type GroupStore } from './store.ts'

interface RoomRow {
  room_id: string
  jid: string
  name: string
  allow_invites: boolean
  occupant_key: Buffer
}

interface AffiliatedRow {
  jid: string
  account_id: string | null
  affiliation: string
  nick: string | null
  entered: boolean
}

/** Needs a connection with the role `sealpost_xmpp` on a migrated database. */
export function postgresGroupStore(db: Db): GroupStore {
  return {
    async load(jid) {
      const [row] = await db.query<RoomRow>(
        sql`select room_id, jid, name, allow_invites, occupant_key from xmpp.room where jid = ${jid.toString()}`,
        { name: 'group-load' },
      )
      if (!row) return undefined
      const rows = await db.query<AffiliatedRow>(
        sql`
          select jid, account_id, affiliation, nick, entered from xmpp.room_affiliation
          where room_id = ${row.room_id}::uuid order by jid`,
        { name: 'group-affiliated' },
      )
      return {
        id: row.room_id,
        jid,
        config: { name: row.name, allowInvites: row.allow_invites },
        occupantKey: row.occupant_key,
        affiliated: rows.map(parseAffiliated),
      }
    },
    create({ id, jid, config, occupantKey, affiliated }) {
      return db.transaction(async (tx) => {
        const made = await tx.execute(sql`
          insert into xmpp.room (room_id, jid, name, allow_invites, occupant_key)
          values (${id}::uuid, ${jid.toString()}, ${config.name}, ${config.allowInvites}, ${occupantKey})
          on conflict (jid) do nothing`)
        if (made === 1) await put(tx, id, affiliated)
        return made === 1
      })
    },
    async configure(id, { name, allowInvites }) {
      await db.execute(sql`
        update xmpp.room set name = ${name}, allow_invites = ${allowInvites} where room_id = ${id}::uuid`)
    },
    async affiliate(id, changed, gone: readonly Jid[] = []) {
      await db.transaction(async (tx) => {
        await tx.execute(sql`
          delete from xmpp.room_affiliation where room_id = ${id}::uuid and jid = any(${gone.map(String)}::text[])`)
        await put(tx, id, changed)
      })
    },
    async destroy(id) {
      await db.execute(sql`delete from xmpp.room where room_id = ${id}::uuid`)
    },
    async membershipsOf(accountId) {
      const rows = await db.query<AffiliatedRow & { room: string; name: string }>(sql`
        select room.jid as room, room.name, a.jid, a.account_id, a.affiliation, a.nick, a.entered
        from xmpp.room_affiliation a join xmpp.room using (room_id)
        where a.account_id = ${accountId}::uuid order by room.jid`)
      return rows.map((row) => {
        const { affiliation, nick, entered } = parseAffiliated(row)
        return { room: parseJid(row.room), name: row.name, affiliation, nick, entered }
      })
    },
  }
}

async function put(tx: Tx, roomId: string, all: readonly Affiliated[]): Promise<void> {
  if (all.length === 0) return
  await tx.execute(sql`
    insert into xmpp.room_affiliation (room_id, jid, account_id, affiliation, nick, entered)
    select ${roomId}::uuid, * from unnest(
      ${all.map(({ jid }) => jid.toString())}::text[], ${all.map((each) => each.accountId ?? null)}::uuid[],
      ${all.map((each) => each.affiliation)}::text[], ${all.map((each) => each.nick ?? null)}::text[],
      ${all.map((each) => each.entered)}::boolean[])
    on conflict (room_id, jid) do update
      set account_id = excluded.account_id, affiliation = excluded.affiliation, nick = excluded.nick,
        entered = excluded.entered`)
}

function parseAffiliated(row: AffiliatedRow): Affiliated {
  const affiliation: Affiliation = affiliations.find((each) => each === row.affiliation) ?? 'outcast'
  return {
    jid: parseJid(row.jid),
    accountId: row.account_id ?? undefined,
    affiliation,
    nick: row.nick ?? undefined,
    entered: row.entered,
  }
}

/** XEP-0484: tokens over real sockets; what they are good for, and when they end. */
import { randomUUID } from 'node:crypto'
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { deriveVerifiers } from '@sealpost/accounts'
import { type Db, openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom } from '@sealpost/runtime'
import { hashedTokenProof, writeHashedToken } from '@sealpost/sasl'
import { NS_BIND2, NS_FAST, NS_SM } from '@sealpost/stanza'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'
import {
  answer2,
  authenticate,
  BIND,
  bindingFor,
  bindWith,
  conditionOf,
  ENABLE,
  enter,
  type Request2,
  requestToken,
  signIn2,
  tokenOf,
} from './sasl2-client.ts'

const MECHANISMS = ['HT-SHA-256-EXPR', 'HT-SHA-256-ENDP', 'HT-SHA-256-NONE']
let relay: RelayFixture
let db: Db
let accountDb: Db
let stack: AsyncDisposableStack
beforeAll(async () => {
  stack = new AsyncDisposableStack()
  relay = stack.use(await startRelay())
  db = stack.use(await openDb({ url: relay.databaseUrl, role: 'sealpost_xmpp' }))
  accountDb = stack.use(await openDb({ url: relay.databaseUrl, role: 'sealpost_account' }))
})
afterAll(() => stack.disposeAsync())

const connect = async () => stack.use(await TestClient.connect({ port: relay.port }))
const idOf = async (name: string) => (await relay.accounts.find(parseJid(`${name}@localhost`)))?.id ?? ''

/** Asks on a connection of its own; gives the whole answer. */
async function ask(username: string, request: Partial<Request2>) {
  await relay.account(username)
  return signIn2(await connect(), { username, ...request })
}

/** A device with a token: what it signs in with from now on. */
async function device(username: string, mechanism = 'HT-SHA-256-NONE') {
  const userAgent = randomUUID()
  const success = await ask(username, { userAgent, inline: BIND + requestToken(mechanism) })
  return { userAgent, mechanism, token: tokenOf(success) ?? '', success }
}

const outcome = async (username: string, request: Partial<Request2>) => {
  const answer = await ask(username, request)
  return answer.name === 'success' ? 'success' : conditionOf(answer)
}

async function slots(username: string): Promise<string[]> {
  const rows = await db.query<{ slot: string }>(
    sql`select slot from xmpp.fast_token where account_id = ${await idOf(username)}::uuid order by slot`,
  )
  return rows.map(({ slot }) => slot)
}

/** As if all tokens of the account had been given out so many days earlier. */
async function age(username: string, days: number): Promise<void> {
  const id = await idOf(username)
  await db.execute(
    sql`update xmpp.fast_token set expires_on = expires_on - ${days}::int where account_id = ${id}::uuid`,
  )
}

describe('a token', () => {
  test.each(MECHANISMS)(
    '§3.2–§3.4 %s: is asked for with the password, then signs in with what else is wanted',
    async (mechanism) => {
      const { userAgent, token, success } = await device('alice', mechanism)
      const expiry = Date.parse(success.child('token', NS_FAST)?.attrs['expiry'] ?? '')
      const days = (expiry - Date.now()) / 86_400_000
      expect(days).toBeGreaterThan(13)
      expect(days).toBeLessThanOrEqual(14)
      expect(token).toMatch(/^[\w-]{43}$/)
      const client = await connect()
      const again = await enter(client, {
        username: 'alice',
        userAgent,
        token,
        mechanism,
        inline: bindWith(ENABLE),
      })
      expect(again.elements().map(({ name }) => name)).toEqual([
        'additional-data',
        'authorization-identifier',
        'bound',
      ])
      await client.ping()
      const other = await connect()
      other.sendRaw(
        authenticate(
          mechanism,
          writeHashedToken('alice', token, bindingFor(other, mechanism)),
          { userAgent },
          `<fast xmlns='${NS_FAST}'/>`,
        ),
      )
      const proof = Buffer.from((await answer2(other)).child('additional-data')?.text() ?? '', 'base64')
      expect(proof).toEqual(hashedTokenProof(token, 'Responder', bindingFor(other, mechanism)))
    },
  )

  test('§3.2: there is none without proof, without an installation, for a mechanism we have not', async () => {
    const userAgent = randomUUID()
    for (const request of [
      { inline: BIND + requestToken() },
      { userAgent, inline: BIND + requestToken('HT-SHA-512-NONE') },
      { userAgent, inline: BIND + requestToken('SCRAM-SHA-256') },
      { userAgent, inline: BIND + `<request-token xmlns='${NS_FAST}'/>` },
      { userAgent, inline: BIND },
    ]) {
      const answer = await ask('nina', request)
      expect(answer.name).toBe('success')
      expect(tokenOf(answer)).toBeUndefined()
    }
    expect(String(await ask('nina', { userAgent, password: 'wrong', inline: requestToken() }))).not.toContain(
      'token',
    )
    expect(await slots('nina')).toEqual([])
  })

  test('without <bind/> too, for the older way of binding', async () => {
    const userAgent = randomUUID()
    const token = tokenOf(await ask('nora', { userAgent, inline: requestToken() }))
    const client = await connect()
    await enter(client, { username: 'nora', userAgent, token: token ?? '' })
    await client.bind('old')
    await client.ping()
  })

  test('§3.4: is worth nothing to another installation, account, mechanism or connection', async () => {
    const { userAgent, token } = await device('alice')
    expect(await outcome('alice', { userAgent: randomUUID(), token })).toBe('not-authorized')
    expect(await outcome('bob', { userAgent, token })).toBe('not-authorized')
    expect(await outcome('alice', { userAgent, token, mechanism: 'HT-SHA-256-EXPR' })).toBe('not-authorized')
    expect(await outcome('alice', { userAgent, token: `${token}x` })).toBe('not-authorized')
    expect(await outcome('alice', { token })).toBe('malformed-request')
    const bound = await device('alice', 'HT-SHA-256-EXPR')
    expect(await outcome('alice', { ...bound, mechanism: 'HT-SHA-256-NONE' })).toBe('not-authorized')
    const [here, there] = [await connect(), await connect()]
    const message = writeHashedToken('alice', bound.token, bindingFor(here, bound.mechanism))
    there.sendRaw(authenticate(bound.mechanism, message, bound, `<fast xmlns='${NS_FAST}'/>`))
    expect(conditionOf(await answer2(there))).toBe('not-authorized')
    expect(await outcome('alice', bound)).toBe('success')
  })

  test('one round trip brings a lost session back', async () => {
    const { userAgent, token } = await device('rene')
    const first = await connect()
    first.counting()
    const success = await enter(first, { username: 'rene', userAgent, token, inline: bindWith(ENABLE) })
    const previd = success.child('bound', NS_BIND2)?.child('enabled', NS_SM)?.attrs['id'] ?? ''
    await first.available()
    await first.drop()
    const alice = await relay.client('alice')
    await alice.enableStreamManagement()
    alice.sends(omemo('rene@localhost', 'f1'))
    await alice.safeUpTo(1)
    const back = await connect()
    back.counting(first.received)
    const resume = `<resume xmlns='${NS_SM}' previd='${previd}' h='${first.received}'/>`
    const resumed = await enter(back, { username: 'rene', userAgent, token, inline: resume + BIND })
    expect(resumed.child('resumed', NS_SM)).toBeDefined()
    expect((await back.message()).attrs['id']).toBe('f1')
  })
})

describe('rotation (§3.5)', () => {
  test('a day later a new one comes along; the old one is good until the new one is used, and betrays a copy afterwards', async () => {
    const { userAgent, token } = await device('rota')
    expect(tokenOf(await ask('rota', { userAgent, token }))).toBeUndefined()
    await age('rota', 1)
    const lost = tokenOf(await ask('rota', { userAgent, token }))
    const next = tokenOf(await ask('rota', { userAgent, token })) ?? ''
    expect(next).not.toBe(token)
    expect(await outcome('rota', { userAgent, token: lost ?? '' })).toBe('not-authorized') // replaced before it was used
    expect(await outcome('rota', { userAgent, token })).toBe('success')
    const latest = tokenOf(await ask('rota', { userAgent, token })) ?? ''
    expect(await outcome('rota', { userAgent, token: latest })).toBe('success')
    expect(await slots('rota')).toEqual(['current', 'spent'])
    expect(await outcome('rota', { userAgent, token })).toBe('not-authorized')
    expect(await slots('rota')).toEqual([])
    expect(await outcome('rota', { userAgent, token: latest })).toBe('not-authorized')
    expect(relay.logged()).toContain('fast_token_reused')
  })

  test('it keeps the mechanism', async () => {
    const { userAgent, token, mechanism } = await device('keep', 'HT-SHA-256-ENDP')
    await age('keep', 2)
    const next = tokenOf(await ask('keep', { userAgent, token, mechanism })) ?? ''
    expect(await outcome('keep', { userAgent, token: next, mechanism })).toBe('success')
  })

  test('after 14 days it is over: credentials-expired', async () => {
    const { userAgent, token } = await device('late')
    await age('late', 13)
    expect(await outcome('late', { userAgent, token })).toBe('success')
    await age('late', 1)
    expect(await outcome('late', { userAgent, token })).toBe('credentials-expired')
  })
})

describe('count (§3.4)', () => {
  test('must rise; a repetition is refused and ends all tokens of the device', async () => {
    const { userAgent, token } = await device('cora')
    for (const count of [1, 2, 7])
      expect(await outcome('cora', { userAgent, token, fast: `count='${count}'` })).toBe('success')
    expect(await outcome('cora', { userAgent, token, fast: `count='7'` })).toBe('not-authorized')
    expect(await slots('cora')).toEqual([])
    expect(await outcome('cora', { userAgent, token, fast: `count='8'` })).toBe('not-authorized')
  })

  test('who has counted cannot stop counting', async () => {
    const { userAgent, token } = await device('cleo')
    expect(await outcome('cleo', { userAgent, token, fast: `count='1'` })).toBe('success')
    expect(await outcome('cleo', { userAgent, token })).toBe('not-authorized')
    expect(await slots('cleo')).toEqual([])
  })

  test('of ten at once with one count exactly one gets in', async () => {
    const { userAgent, token } = await device('crowd')
    const tries = Array.from({ length: 10 }, () => outcome('crowd', { userAgent, token, fast: `count='1'` }))
    const outcomes = await Promise.all(tries)
    expect(outcomes.filter((each) => each === 'success')).toHaveLength(1)
    expect(await slots('crowd')).toEqual([])
  })

  test.each([
    `count='x'`,
    `count='-1'`,
    `count=''`,
    `count='99999999999'`,
    `count='2147483648'`,
    `count='1.5'`,
  ])('%s is malformed and costs nothing', async (fast) => {
    const { userAgent, token } = await device('carl')
    expect(await outcome('carl', { userAgent, token, fast })).toBe('malformed-request')
    expect(await outcome('carl', { userAgent, token })).toBe('success')
  })
})

describe('token theft', () => {
  /** In with a token, bound, and there. */
  async function session(
    username: string,
    request: Partial<Request2>,
  ): Promise<{ client: TestClient; next: string | undefined }> {
    const client = await connect()
    const success = await enter(client, { username, inline: bindWith(ENABLE), ...request })
    await client.ping()
    return { client, next: tokenOf(success) }
  }

  /** Nobody is in any more, no token is worth anything, and the owner comes back with the password alone. */
  async function isOver(
    username: string,
    userAgent: string,
    tokens: readonly string[],
    ...ended: TestClient[]
  ): Promise<void> {
    for (const client of ended) expect(await client.streamError()).toBe('not-authorized')
    expect(await slots(username)).toEqual([])
    for (const token of tokens) expect(await outcome(username, { userAgent, token })).toBe('not-authorized')
    const renewed = tokenOf(await ask(username, { userAgent, inline: BIND + requestToken() })) ?? ''
    expect(tokens).not.toContain(renewed)
    expect(await outcome(username, { userAgent, token: renewed })).toBe('success')
  }

  test('the thief uses the copy first: the owner, who counts, is refused; the session of the thief ends, and all tokens', async () => {
    const { userAgent, token } = await device('theo')
    await session('theo', { userAgent, token, fast: `count='1'` })
    const thief = await session('theo', { userAgent, token, fast: `count='2'` })
    expect(await outcome('theo', { userAgent, token, fast: `count='2'` })).toBe('not-authorized')
    await isOver('theo', userAgent, [token], thief.client)
  })

  test('the owner goes on to the next token: the copy of the old one ends all tokens, and the session of the device', async () => {
    const { userAgent, token } = await device('thea')
    await age('thea', 1)
    const next = (await session('thea', { userAgent, token })).next ?? ''
    const owner = await session('thea', { userAgent, token: next })
    expect(await outcome('thea', { userAgent, token })).toBe('not-authorized')
    await isOver('thea', userAgent, [token, next], owner.client)
  })

  test('the thief goes on to the next token: the owner of the old one ends all tokens, and the session of the thief', async () => {
    const { userAgent, token } = await device('thor')
    await age('thor', 1)
    const next = (await session('thor', { userAgent, token })).next ?? ''
    const thief = await session('thor', { userAgent, token: next })
    await thief.client.drop() // it may be resumed: it ends all the same
    expect(await outcome('thor', { userAgent, token })).toBe('not-authorized')
    await isOver('thor', userAgent, [token, next])
  })

  test('it ends nothing of the other devices of the account', async () => {
    const { userAgent, token } = await device('tina')
    const other = await device('tina')
    const { client } = await session('tina', other)
    expect(await outcome('tina', { userAgent, token, fast: `count='1'` })).toBe('success')
    expect(await outcome('tina', { userAgent, token, fast: `count='1'` })).toBe('not-authorized')
    await client.ping()
    expect(await outcome('tina', other)).toBe('success')
  })

  test('a copy of a token that does not count, on its day: each of the two throws the other out, with conflict', async () => {
    const { userAgent, token } = await device('tom')
    const owner = await session('tom', { userAgent, token })
    const thief = await session('tom', { userAgent, token })
    expect(await owner.client.streamError()).toBe('conflict')
    await session('tom', { userAgent, token })
    expect(await thief.client.streamError()).toBe('conflict')
  })
})

describe('the end of tokens', () => {
  test('§3.6: invalidate signs in once more, and no new one is given unless asked for', async () => {
    const { userAgent, token } = await device('ivan')
    await age('ivan', 3)
    const last = await ask('ivan', { userAgent, token, fast: `invalidate='true'` })
    expect(last.name).toBe('success')
    expect(tokenOf(last)).toBeUndefined()
    expect(await outcome('ivan', { userAgent, token })).toBe('not-authorized')
    const other = await device('ivan')
    const renewed = tokenOf(await ask('ivan', { ...other, fast: `invalidate='1'`, inline: requestToken() }))
    expect(await outcome('ivan', other)).toBe('not-authorized')
    expect(await outcome('ivan', { ...other, token: renewed ?? '' })).toBe('success')
  })

  test('suspension: all are gone, also after it is lifted', async () => {
    const { userAgent, token } = await device('susan')
    await relay.accounts.suspend(parseJid('susan@localhost'), 'abuse')
    await expect.poll(() => slots('susan')).toEqual([])
    expect(await outcome('susan', { userAgent, token })).toBe('not-authorized')
    await relay.accounts.restore(parseJid('susan@localhost'))
    expect(await outcome('susan', { userAgent, token })).toBe('not-authorized')
  })

  test('suspension that the relay did not hear of: told only to who holds the token, and then it is gone', async () => {
    const { userAgent, token } = await device('sibyl')
    const id = await idOf('sibyl')
    await accountDb.execute(
      sql`update account.account set state = 'suspended', suspension_reason = 'abuse' where id = ${id}::uuid`,
    )
    expect(await outcome('sibyl', { userAgent, token: 'other' })).toBe('not-authorized')
    expect(await outcome('sibyl', { userAgent, token })).toBe('account-disabled')
    expect(await slots('sibyl')).toEqual([])
  })

  test('a new password: all are gone', async () => {
    const { userAgent, token } = await device('petra')
    const id = await idOf('petra')
    await relay.accounts.setVerifiers(id, await deriveVerifiers('other', systemRandom))
    await expect.poll(() => slots('petra')).toEqual([])
    expect(await outcome('petra', { userAgent, token })).toBe('not-authorized')
  })

  test('a new password that the relay did not hear of ends them all the same', async () => {
    const { userAgent, token } = await device('paula')
    const id = await idOf('paula')
    const [verifier] = (await deriveVerifiers('other', systemRandom)).filter(({ hash }) => hash === 'SHA-256')
    await accountDb.execute(
      sql`update account.credential set salt = ${verifier?.salt}, stored_key = ${verifier?.storedKey}, server_key = ${verifier?.serverKey}
          where account_id = ${id}::uuid and hash = 'SHA-256'`,
    )
    expect(await slots('paula')).toEqual(['next'])
    expect(await outcome('paula', { userAgent, token })).toBe('not-authorized')
  })

  test('with the device, and with the account', async () => {
    const gone = await device('dave')
    await db.execute(sql`delete from xmpp.device where account_id = ${await idOf('dave')}::uuid`)
    expect(await slots('dave')).toEqual([])
    expect(await outcome('dave', gone)).toBe('not-authorized')
    await device('erik')
    const id = await idOf('erik')
    await relay.accounts.terminate(parseJid('erik@localhost'))
    await expect
      .poll(() => db.query(sql`select 1 from xmpp.fast_token where account_id = ${id}::uuid`))
      .toEqual([])
  })
})

describe('what is kept', () => {
  test('no table holds a token or an installation, no log names one; the key is a file for its owner alone', async () => {
    const { userAgent, token } = await device('keeper')
    await outcome('keeper', { userAgent, token })
    const tables = await db.query<{ name: string }>(
      sql`select table_name as name from information_schema.tables where table_schema = 'xmpp'`,
    )
    const rows = await db.query<{ dump: string }>(
      sql`select query_to_xml('select * from xmpp.fast_token', true, false, '')::text
          || query_to_xml('select * from xmpp.device', true, false, '')::text as dump`,
    )
    expect(tables.length).toBeGreaterThan(3)
    const bytes = Buffer.from(token, 'base64url')
    const spellings = [
      token,
      bytes.toString('base64'),
      bytes.toString('hex'),
      Buffer.from(token).toString('base64'),
    ]
    for (const secret of [...spellings, userAgent, userAgent.replaceAll('-', '')]) {
      expect(rows[0]?.dump.includes(secret)).toBe(false)
      expect(relay.logged().includes(secret)).toBe(false)
    }
    const key = join(relay.keyringDir, 'fast.key')
    expect((await stat(key)).mode & 0o777).toBe(0o600)
    expect(await readFile(key)).toHaveLength(32)
  })

  test('tokens outlive a restart, but not their key', async () => {
    const { userAgent, token } = await device('resta')
    await relay.restart()
    expect(await outcome('resta', { userAgent, token })).toBe('success')
    await rm(join(relay.keyringDir, 'fast.key'))
    await relay.restart()
    expect(await outcome('resta', { userAgent, token })).toBe('not-authorized')
    expect(await outcome('resta', { userAgent })).toBe('success')
  })
})

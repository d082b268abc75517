import { describe, expect, test } from 'vitest'
import { createProcessBus } from '@sealpost/bus'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { SCRAM_ITERATIONS, verifyPassword } from '@sealpost/sasl'
import { accountsOver } from './accounts.ts'
import { deriveVerifiers } from './credentials.ts'
import { runErasure } from './erasure.ts'
import type { ImportedAccount, ImportRow } from './import.ts'
import { memoryStores } from './store.memory.ts'

const DAY_MS = 86_400_000
const ANN = parseJid('ann@example.org')

function createEnv() {
  const clock = new VirtualClock(Date.parse('2026-03-01T12:00:00Z'))
  const bus = createProcessBus()
  const stores = memoryStores()
  const accounts = accountsOver({ ...stores, bus, clock, random: systemRandom })
  const changed: string[] = []
  bus.subscribe('account/changed', ({ accountId }) => void changed.push(accountId))
  return {
    accounts,
    bus,
    clock,
    stores,
    changed,
    [Symbol.asyncDispose]: () => accounts[Symbol.asyncDispose](),
  }
}

async function* rowsOf(...rows: ImportRow[]): AsyncGenerator<ImportRow> {
  yield* rows
}

const APPOINTMENT = { role: 'owner', organisationId: undefined, administratorId: undefined }

describe('Accounts', () => {
  test('gives nobody the name of an address of the server’s own; postmaster and abuse may be accounts', async () => {
    await using env = createEnv()
    for (const name of ['keys', 'Key-Submission', 'TLS-reports', 'dmarc-reports'])
      await expect(env.accounts.create(parseJid(`${name}@example.org`), 'x')).rejects.toMatchObject({
        code: 'ACCOUNT_NAME_RESERVED',
      })
    const names = ['keys', 'postmaster', 'key-submission', 'abuse']
    const rows = names.map((name) => ({ jid: parseJid(`${name}@example.org`), password: 'x' }))
    expect(await env.accounts.importAll(rowsOf(...rows))).toEqual({
      created: 2,
      exists: 0,
      invalid: 2,
      problems: [
        { line: 1, problem: 'reserved' },
        { line: 3, problem: 'reserved' },
      ],
      links: [],
    })
  })

  test('keeps a password as two verifiers with 10,000 iterations', async () => {
    await using env = createEnv()
    const account = await env.accounts.create(ANN, 'correct horse')
    expect(account).toMatchObject({ state: 'active', createdOn: '2026-03-01', lastUsedOn: undefined })
    expect(account.jid.toString()).toBe('ann@example.org')
    const found = await Promise.all([
      env.accounts.verifier(ANN, 'SHA-256'),
      env.accounts.verifier(parseJid('Ann@example.org/phone'), 'SHA-1'),
    ])
    for (const each of found) {
      expect(each?.account.id).toBe(account.id)
      expect(each?.verifier.iterations).toBe(SCRAM_ITERATIONS)
      expect(await verifyPassword('correct horse', each!.verifier)).toBe(true)
      expect(await verifyPassword('wrong horse', each!.verifier)).toBe(false)
    }
    expect(found[0]?.verifier.salt).not.toEqual(found[1]?.verifier.salt)
  })

  test.each(['', 'bell\u0007', '\ud800', 'x'.repeat(1024)])('refuses the password %j', async (password) => {
    await using env = createEnv()
    await expect(env.accounts.create(ANN, password)).rejects.toMatchObject({ code: 'PASSWORD_UNACCEPTABLE' })
    expect(await env.accounts.find(ANN)).toBeUndefined()
  })

  test('a name nobody has answers with the same decoy each time', async () => {
    await using env = createEnv()
    const first = await env.accounts.verifierOrDecoy(parseJid('Nobody@example.org/a'), 'SHA-256')
    const second = await env.accounts.verifierOrDecoy(parseJid('nobody@example.org'), 'SHA-256')
    expect(first).toEqual(second)
    expect(first).toMatchObject({ account: undefined, verifier: { iterations: SCRAM_ITERATIONS } })
    const { id } = await env.accounts.create(ANN, 'x')
    expect((await env.accounts.verifierOrDecoy(ANN, 'SHA-1')).account?.id).toBe(id)
  })

  test('refuses a name that exists, unless it is the same request', async () => {
    await using env = createEnv()
    const id = systemRandom.uuid()
    const account = await env.accounts.create(ANN, 'x', { id })
    await expect(env.accounts.create(ANN, 'x')).rejects.toMatchObject({ code: 'ACCOUNT_EXISTS' })
    expect(await env.accounts.create(ANN, 'x', { id })).toEqual(account)
    await expect(env.accounts.create(parseJid('example.org'), 'x')).rejects.toMatchObject({
      code: 'ACCOUNT_NAME_MALFORMED',
    })
  })

  test('tells the bus of each change', async () => {
    await using env = createEnv()
    const { id } = await env.accounts.create(ANN, undefined)
    expect(await env.accounts.suspend(ANN, 'abuse')).toMatchObject({ state: 'suspended', reason: 'abuse' })
    await env.accounts.restore(ANN)
    await env.accounts.setVerifiers(id, await deriveVerifiers('new', systemRandom))
    const { token } = await env.accounts.invites.createPassword(id)
    await env.accounts.invites.redeemPassword(token, await deriveVerifiers('newer', systemRandom))
    await env.accounts.terminate(ANN)
    await expect.poll(() => env.changed).toEqual([id, id, id, id, id])
  })

  test('refuses what makes no sense', async () => {
    await using env = createEnv()
    await expect(env.accounts.suspend(ANN, 'abuse')).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' })
    await env.accounts.create(ANN, 'x')
    await expect(env.accounts.suspend(ANN, 'She wrote …')).rejects.toMatchObject({ code: 'REASON_MALFORMED' })
    await env.accounts.terminate(ANN)
    await expect(env.accounts.restore(ANN)).rejects.toMatchObject({ code: 'ACCOUNT_TERMINATED' })
    await expect(env.accounts.create(ANN, 'x')).rejects.toMatchObject({ code: 'ACCOUNT_NAME_RETIRED' })
  })

  test('refuses verifiers that differ from its own kind', async () => {
    await using env = createEnv()
    const { id } = await env.accounts.create(ANN, undefined)
    const [sha256, sha1] = await deriveVerifiers('x', systemRandom)
    const bad = [[], [sha256!], [sha256!, sha256!], [{ ...sha256!, iterations: 1 }, sha1!]]
    for (const verifiers of [...bad, [sha256!, { ...sha1!, storedKey: Buffer.alloc(32) }]]) {
      await expect(env.accounts.setVerifiers(id, verifiers)).rejects.toMatchObject({
        code: 'VERIFIERS_INCOMPLETE',
      })
    }
  })

  test('pages through a listing', async () => {
    await using env = createEnv()
    const rows = Array.from({ length: 7 }, (_, i) => parseJid(`user${String(i)}@example.org`))
    for (const jid of rows) await env.accounts.create(jid, undefined)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await env.accounts.list({ cursor, limit: 3 })
      seen.push(...page.items.map((account) => account.jid.toString()))
      cursor = page.next
    } while (cursor !== undefined)
    expect(seen).toEqual(rows.map(String))
    await expect(env.accounts.list({ cursor: '!', limit: 3 })).rejects.toMatchObject({
      code: 'CURSOR_MALFORMED',
    })
  })
})

describe('last use', () => {
  test('is written once a day, in batches, and at the end', async () => {
    const env = createEnv()
    const writes: string[] = []
    const recordUse = env.stores.accounts.recordUse.bind(env.stores.accounts)
    env.stores.accounts.recordUse = async (ids, day) => {
      writes.push(`${day} ${String(ids.length)}`)
      await recordUse(ids, day)
    }
    const { id } = await env.accounts.create(ANN, undefined)
    const other = await env.accounts.create(parseJid('ben@example.org'), undefined)
    for (const each of [id, other.id, id]) await env.accounts.touch(each)
    await env.clock.advance(5_000)
    await env.accounts.touch(id)
    await env.clock.advance(5_000)
    expect(writes).toEqual(['2026-03-01 2'])
    expect((await env.accounts.find(ANN))?.lastUsedOn).toBe('2026-03-01')
    await env.clock.advance(DAY_MS)
    await env.accounts.touch(id)
    await env[Symbol.asyncDispose]()
    expect(writes).toEqual(['2026-03-01 2', '2026-03-02 1'])
  })

  test('survives a store that is away', async () => {
    await using env = createEnv()
    const { id } = await env.accounts.create(ANN, undefined)
    const recordUse = env.stores.accounts.recordUse.bind(env.stores.accounts)
    env.stores.accounts.recordUse = async () => {
      throw new Error('away')
    }
    await env.accounts.touch(id)
    await env.clock.advance(5_000)
    env.stores.accounts.recordUse = recordUse
    await env.clock.advance(5_000)
    expect((await env.accounts.find(ANN))?.lastUsedOn).toBe('2026-03-01')
  })
})

describe('erasure', () => {
  test('asks each owner until all are done, then the account is gone and its name retired', async () => {
    await using env = createEnv()
    const { id } = await env.accounts.create(ANN, 'x')
    const erased: string[] = []
    let failures = 1
    const errors: unknown[] = []
    const run = (owner: string) =>
      runErasure({
        ledger: env.accounts.erasure,
        owner,
        clock: env.clock,
        bus: env.bus,
        onError: (error) => errors.push(error),
        erase: async (accountId) => {
          if (failures-- > 0) throw new Error('away')
          erased.push(`${owner} ${String(accountId === id)}`)
        },
      })
    await using stack = new AsyncDisposableStack()
    stack.use(run('xmpp'))
    await env.accounts.terminate(ANN)
    await expect.poll(() => errors.length).toBe(1)
    expect(await env.accounts.find(ANN)).toMatchObject({ state: 'terminated' })
    await env.clock.advance(60_000)
    await expect.poll(() => erased).toEqual(['xmpp true'])
    for (const owner of ['api', 'keys', 'smtp']) stack.use(run(owner)) // Started late, as after a crash: they find what is pending.
    await expect.poll(() => env.accounts.find(ANN)).toBeUndefined()
    expect(erased.toSorted()).toEqual(['api true', 'keys true', 'smtp true', 'xmpp true'])
    await expect(env.accounts.create(ANN, 'x')).rejects.toMatchObject({ code: 'ACCOUNT_NAME_RETIRED' })
  })
})

describe('import', () => {
  test('creates what is missing and reports lines, never names or passwords', async () => {
    await using env = createEnv()
    await env.accounts.create(ANN, 'kept')
    const jid = (name: string) => parseJid(`${name}@example.org`)
    const counts: object[] = []
    const report = await env.accounts.importAll(
      rowsOf(
        { line: 2, jid: jid('ben'), password: 'secret-ben' },
        { line: 3, jid: ANN, password: 'overwritten?' },
        { line: 4, problem: 'fields' },
        { line: 5, jid: jid('bell'), password: '\u0007' },
        { line: 6, jid: jid('ben'), password: 'again' },
      ),
      (progress) => counts.push(progress),
    )
    expect(report).toEqual({
      created: 1,
      exists: 2,
      invalid: 2,
      problems: [
        { line: 3, problem: 'exists' },
        { line: 4, problem: 'fields' },
        { line: 5, problem: 'password' },
        { line: 6, problem: 'exists' },
      ],
      links: [],
    })
    expect(counts.at(-1)).toEqual({ created: 1, exists: 2, invalid: 2 })
    const { verifier } = (await env.accounts.verifier(ANN, 'SHA-256'))!
    expect(await verifyPassword('kept', verifier)).toBe(true)
    const ben = (await env.accounts.verifier(jid('ben'), 'SHA-256'))!
    expect(await verifyPassword('secret-ben', ben.verifier)).toBe(true)
  })

  test('gives plans, organisations and links; what one organisation refuses keeps nobody else out', async () => {
    await using env = createEnv()
    const { organisations, plans, invites } = env.accounts
    const open = (name: string) =>
      organisations.create({ name, kind: 'customer', parentId: undefined, pools: { accounts: 1 } })
    const [small, closed] = [(await open('Small')).id, (await open('Closed')).id]
    await organisations.suspend(closed, 'payment')
    await plans.set('plus', { mailbox_mib: 2048 })
    const row = (name: string, more: Partial<ImportedAccount> = {}) => ({
      jid: parseJid(`${name}@example.org`),
      password: 'x',
      ...more,
    })
    const rows = [
      row('a1', { organisationId: small, plan: 'plus' }),
      row('a2', { organisationId: small }),
      row('a3', { organisationId: closed }),
      row('a4', { plan: 'none' }),
      row('a5', { password: undefined }),
      row('a6', { plan: 'default' }),
    ]
    const report = await env.accounts.importAll(rowsOf(...rows))
    expect(report).toMatchObject({
      created: 3,
      invalid: 3,
      problems: [
        { line: 2, problem: 'pool' },
        { line: 3, problem: 'organisation' },
        { line: 4, problem: 'plan' },
      ],
    })
    expect(report.links.map(({ line }) => line)).toEqual([5])
    const made = await env.accounts.find(parseJid('a1@example.org'))
    expect(made?.organisationId).toBe(small)
    expect((await plans.of(made?.id ?? '')).name).toBe('plus')
    // Repeated, whoever has not chosen a password gets another link, and whoever has does not.
    const again = await env.accounts.importAll(rowsOf(...rows))
    expect(again).toMatchObject({ created: 0, exists: 3, links: [{ line: 5 }] })
    const [first, second] = [report.links[0]?.token ?? '', again.links[0]?.token ?? '']
    const verifiers = await deriveVerifiers('chosen', systemRandom)
    expect(await invites.redeemPassword(first, verifiers)).toBeUndefined()
    expect(await invites.redeemPassword(second, verifiers)).toBeDefined()
    expect((await env.accounts.importAll(rowsOf(...rows))).links).toEqual([])
  })

  test('lists at most 1,000 problems and counts all', async () => {
    await using env = createEnv()
    const rows = Array.from({ length: 1500 }, (_, i) => ({ line: i + 1, problem: 'fields' as const }))
    const report = await env.accounts.importAll(rowsOf(...rows))
    expect(report).toMatchObject({ created: 0, invalid: 1500 })
    expect(report.problems).toHaveLength(1000)
  })

  test('a failing store or source fails the import', async () => {
    await using env = createEnv()
    const broken = async function* (): AsyncGenerator<ImportRow> {
      yield { jid: ANN, password: 'x' }
      throw new Error('connection lost')
    }
    await expect(env.accounts.importAll(broken())).rejects.toThrow('connection lost')
    env.stores.accounts.insert = async () => {
      throw new Error('away')
    }
    const rows = Array.from({ length: 250 }, (_, i) => ({
      jid: parseJid(`u${String(i)}@example.org`),
      password: 'x',
    }))
    await expect(env.accounts.importAll(rowsOf(...rows))).rejects.toThrow('away')
  })
})

describe('access', () => {
  test('an API key works until its last day, and the day of its use is kept', async () => {
    await using env = createEnv()
    const keys = env.accounts.apiKeys
    const { token, key } = await keys.create({
      label: 'cron',
      scopes: ['accounts:read'],
      expiresOn: '2026-03-02',
    })
    expect(token).toMatch(/^sp_[A-Za-z0-9_-]{43}$/)
    await env.clock.advance(DAY_MS)
    expect((await keys.authenticate(token))?.id).toBe(key.id)
    expect((await keys.list())[0]?.lastUsedOn).toBe('2026-03-02')
    await env.clock.advance(DAY_MS)
    expect(await keys.authenticate(token)).toBeUndefined()
    for (const bad of [
      '',
      'sp_',
      token.slice(0, -1),
      `${token}x`,
      token.replace('sp_', 'sp-'),
      'ü'.repeat(46),
    ]) {
      expect(await keys.authenticate(bad)).toBeUndefined()
    }
    expect(await keys.revoke(key.id)).toBe(true)
  })

  test('the first administrator’s invite is made once and used once', async () => {
    await using env = createEnv()
    const first = await env.accounts.invites.createFirstAdmin()
    expect(await env.accounts.invites.createFirstAdmin()).toBeUndefined()
    expect(await env.accounts.invites.show(first!.token)).toEqual(first!.invite)
    const redeemed = await env.accounts.invites.redeemAdmin(first!.token, 'first administrator', () => ['*'])
    expect((await env.accounts.apiKeys.authenticate(redeemed!.token))?.scopes).toEqual(['*'])
    expect(await env.accounts.invites.redeemAdmin(first!.token, 'again', () => [])).toBeUndefined()
    expect(await env.accounts.invites.show(first!.token)).toBeUndefined()
    expect(await env.accounts.invites.createFirstAdmin()).toBeUndefined()
  })

  test('an expired invite is gone', async () => {
    await using env = createEnv()
    const { token, invite } = await env.accounts.invites.createAdmin(APPOINTMENT)
    await env.clock.advance(invite.expiresAt - env.clock.now())
    expect(await env.accounts.invites.show(token)).toBeUndefined()
    expect(await env.accounts.invites.redeemAdmin(token, 'late', () => [])).toBeUndefined()
  })
})

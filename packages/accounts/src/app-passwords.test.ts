import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProcessBus, type Bus } from '@sealpost/bus'
import { openDb, sql, type Db } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom, VirtualClock } from '@sealpost/runtime'
import { verifyPassword } from '@sealpost/sasl'
import { createMigratedDatabase } from '../../../test/database.ts'
import type { SignedIn } from './account.ts'
import { createAccounts, type AccountsDomain } from './accounts.ts'
import { mayActAs, mayOpen, parseAppLogin } from './app-passwords.ts'
import { deriveVerifiers } from './credentials.ts'
import { createMemoryAccounts } from './memory.ts'
import { createPasswordCheck } from './password-check.ts'

test('logins of app passwords are told from names', () => {
  expect(parseAppLogin('ann+bcdfghjk')).toEqual({ owner: 'ann', tag: 'bcdfghjk' })
  expect(parseAppLogin('a+b+zz223344')).toEqual({ owner: 'a+b', tag: 'zz223344' })
  for (const name of [
    'ann',
    'ann+work',
    '+bcdfghjk',
    'ann+2cdfghjk',
    'ann+bcdfghj',
    'ann+bcdfghjkl',
    'ann+acdfghjk',
  ])
    expect(parseAppLogin(name)).toBeUndefined()
})

describe.each(['memory', 'postgres'])('app passwords, over %s', (kind) => {
  let accounts: AccountsDomain
  let db: Db | undefined
  let bus: Bus
  const clock = new VirtualClock(Date.parse('2026-03-01T12:00:00Z'))
  const stack = new AsyncDisposableStack()
  const ids = new Map<string, string>()
  const revoked: string[] = []

  beforeAll(async () => {
    bus = stack.use(createProcessBus())
    bus.subscribe('account/credentials-revoked', ({ accountId }) => void revoked.push(accountId))
    const parts = { bus, clock, random: systemRandom }
    if (kind === 'memory') accounts = stack.use(createMemoryAccounts(parts))
    else {
      const { url } = stack.use(await createMigratedDatabase())
      db = stack.use(await openDb({ url, role: 'sealpost_account', poolSize: 8 }))
      accounts = stack.use(createAccounts({ db, ...parts }))
    }
  })
  afterAll(() => stack.disposeAsync())

  async function account(name: string): Promise<string> {
    const known = ids.get(name)
    if (known !== undefined) return known
    const { id } = await accounts.create(parseJid(`${name}@example.org`), 'own')
    ids.set(name, id)
    return id
  }
  async function make(name: string, scopes: readonly ('chat' | 'mail' | 'api')[] = ['chat', 'mail']) {
    const made = await accounts.appPasswords.create(await account(name), {
      name: 'Phone',
      scopes,
      verifiers: undefined,
    })
    return { ...made, id: made.appPassword.id, password: made.password ?? '' }
  }
  const signedIn = async (login: string): Promise<SignedIn | undefined> =>
    (await accounts.verifier(parseJid(login), 'SHA-256'))?.account

  test('have a login and a password of their own, for both hashes, and lead to their account', async () => {
    const { login, password, id } = await make('ann')
    expect(login.toString()).toMatch(/^ann\+[b-z][b-z2-9]{7}@example\.org$/)
    expect(password).toMatch(/^(?:[b-z][b-z2-9]{3}-){5}[b-z][b-z2-9]{3}$/)
    for (const hash of ['SHA-256', 'SHA-1'] as const) {
      const found = await accounts.verifierOrDecoy(login, hash)
      expect(found.account).toMatchObject({
        id: await account('ann'),
        credential: { appPassword: { id }, signOuts: 0 },
      })
      expect(found.account?.jid.toString()).toBe('ann@example.org')
      expect(await verifyPassword(password, found.verifier)).toBe(true)
      expect(await verifyPassword('own', found.verifier)).toBe(false)
    }
    const own = await signedIn('ann@example.org')
    expect(own?.credential).toMatchObject({ appPassword: undefined })
    expect(
      (await accounts.verifierOrDecoy(parseJid('ann+bcdfghjk@example.org'), 'SHA-1')).account,
    ).toBeUndefined()
    expect(
      (await accounts.verifierOrDecoy(parseJid('bob+bcdfghjk@example.org'), 'SHA-1')).account,
    ).toBeUndefined()
  })

  test('open what they are for, and act as their account', async () => {
    const { login } = await make('ann', ['chat'])
    const found = await signedIn(login.toString())
    if (!found) throw new Error('it is there')
    expect(
      ['chat', 'mail', 'api', undefined].map((what) => mayOpen(found.credential, what as 'chat')),
    ).toEqual([true, false, false, false])
    expect(mayActAs(found, 'ann@example.org')).toBe(true)
    expect(mayActAs(found, login.toString())).toBe(true)
    for (const other of ['bob@example.org', 'ann', 'ann+bcdfghjk@example.org', '@', ''])
      expect(mayActAs(found, other)).toBe(false)
  })

  test('are checked like passwords: wrong for what they do not open', async () => {
    const { login, password, id } = await make('ann', ['mail'])
    const parts = { accounts, clock, random: systemRandom }
    using mail = createPasswordCheck({ ...parts, opens: 'mail' })
    using chat = createPasswordCheck({ ...parts, opens: 'chat' })
    using own = createPasswordCheck({ ...parts, opens: undefined })
    const results = await Promise.all(
      [mail, chat, own].map((check) => check.check(login, password, '192.0.2.1')),
    )
    expect(results.map(({ result }) => result)).toEqual(['right', 'wrong', 'wrong'])
    expect((await own.check(parseJid('ann@example.org'), 'own', '192.0.2.1')).result).toBe('right')
    await clock.advance(6_000)
    const owner = await account('ann')
    const find = async () => (await accounts.appPasswords.list(owner)).find((each) => each.id === id)
    await expect.poll(async () => (await find())?.lastUsedOn).toBeDefined()
    const listed = await find()
    expect(listed).toMatchObject({
      name: 'Phone',
      scopes: ['mail'],
      createdOn: '2026-03-01',
      lastUsedOn: '2026-03-01',
    })
  })

  test('end what they opened when revoked, one by one or all', async () => {
    const [one, other] = [await make('cara'), await make('cara')]
    const id = await account('cara')
    const [first, second] = [await signedIn(one.login.toString()), await signedIn(other.login.toString())]
    if (!first || !second) throw new Error('they are there')
    expect(await accounts.appPasswords.revoke(await account('ann'), one.id)).toBe(false)
    expect(await accounts.isGood(id, first.credential)).toBe(true)
    expect(await accounts.appPasswords.revoke(id, one.id)).toBe(true)
    expect(revoked.at(-1)).toBe(id)
    expect(await accounts.isGood(id, first.credential)).toBe(false)
    expect(await accounts.isGood(id, second.credential)).toBe(true)
    expect(await signedIn(one.login.toString())).toBeUndefined()
    expect(await accounts.appPasswords.revoke(id, one.id)).toBe(false)
    await accounts.appPasswords.revokeAll(id)
    expect(await accounts.isGood(id, second.credential)).toBe(false)
    expect(await accounts.appPasswords.list(id)).toEqual([])
  })

  test('everything ends when it is signed out or the account is no longer active, and nothing when only the password changes', async () => {
    const { login } = await make('dora')
    const id = await account('dora')
    const credential = async () =>
      (await signedIn(login.toString()))?.credential ?? { appPassword: undefined, signOuts: -1 }
    const before = await credential()
    await accounts.setVerifiers(id, await deriveVerifiers('new', systemRandom))
    expect(await accounts.isGood(id, before)).toBe(true)
    await accounts.signOut(id)
    expect(await accounts.isGood(id, before)).toBe(false)
    const after = await credential()
    expect(await accounts.isGood(id, after)).toBe(true)
    await accounts.suspend(parseJid('dora@example.org'), 'abuse')
    expect(await accounts.isGood(id, after)).toBe(false)
    await accounts.restore(parseJid('dora@example.org'))
    expect(await accounts.isGood(id, after)).toBe(true)
    const verifiers = await deriveVerifiers('newer', systemRandom)
    await accounts.setVerifiers(id, verifiers, { signOut: true, appPasswords: true })
    expect(await accounts.isGood(id, after)).toBe(false)
    expect(await credential()).toMatchObject({ signOuts: -1 })
    expect((await signedIn('dora@example.org'))?.signOuts).toBe(2)
    await expect(accounts.signOut(systemRandom.uuid())).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' })
  })

  test('a reset by invite can take them along', async () => {
    const { login } = await make('ella')
    const id = await account('ella')
    const { token } = await accounts.invites.createPassword(id)
    await accounts.invites.redeemPassword(token, await deriveVerifiers('reset', systemRandom), {
      signOut: true,
      appPasswords: true,
    })
    expect(await signedIn(login.toString())).toBeUndefined()
    expect((await signedIn('ella@example.org'))?.signOuts).toBe(1)
  })

  test('go with their account', async () => {
    const { login } = await make('finn')
    await accounts.terminate(parseJid('finn@example.org'))
    expect(await signedIn(login.toString())).toBeUndefined()
    expect(await accounts.appPasswords.list(await account('finn'))).toEqual([])
    await expect(make('finn')).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' })
  })

  test('their logins are nobody’s name', async () => {
    const { login } = await make('ann')
    await expect(accounts.create(login, 'x')).rejects.toMatchObject({ code: 'ACCOUNT_NAME_RESERVED' })
    await expect(accounts.create(parseJid('x+bcdfghjk@example.org'), 'x')).rejects.toMatchObject({
      code: 'ACCOUNT_NAME_RESERVED',
    })
    expect(await accounts.create(parseJid('ann+work@example.org'), 'x')).toBeDefined()
  })

  test('bring verifiers that a client made; are refused without a name or use, and beyond fifty at once', async () => {
    const id = await account('gina')
    const verifiers = await deriveVerifiers('client', systemRandom)
    const brought = { name: 'Laptop', scopes: ['chat'] as const, verifiers }
    expect(await accounts.appPasswords.create(id, brought)).toMatchObject({ password: undefined })
    for (const wrong of [{ name: '' }, { name: 'x'.repeat(65) }, { name: 'a\nb' }, { scopes: [] }])
      await expect(accounts.appPasswords.create(id, { ...brought, ...wrong })).rejects.toMatchObject({
        code: 'APP_PASSWORD_MALFORMED',
      })
    await expect(
      accounts.appPasswords.create(id, { ...brought, verifiers: verifiers.slice(1) }),
    ).rejects.toMatchObject({ code: 'VERIFIERS_INCOMPLETE' })
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, () => accounts.appPasswords.create(id, brought)),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(49)
    expect(await accounts.appPasswords.list(id)).toHaveLength(50)
  })

  test('let mailbox servers in by a view, if they are for mail', async () => {
    if (db === undefined) return
    const [mail, chat] = [await make('hugo', ['mail', 'api']), await make('hugo', ['chat'])]
    const logins = async () =>
      (
        await db?.query<{ login: string }>(sql`
          select login from account.mail_sign_in where address = 'hugo@example.org' order by login`)
      )?.map(({ login }) => login)
    expect(await logins()).toEqual([mail.login.toString(), 'hugo@example.org'].toSorted())
    const [row] = await db.query<{ password: string }>(sql`
      select password from account.mail_sign_in where login = ${mail.login.toString()}`)
    expect(row?.password).toMatch(/^\{SCRAM-SHA-256\}10000,[\w+/=]+,[\w+/=]{44},[\w+/=]{44}$/)
    await accounts.suspend(parseJid('hugo@example.org'), 'abuse')
    expect(await logins()).toEqual([])
    expect(chat.login.toString()).not.toBe(mail.login.toString())
  })
})

/** An account and its keys: REST over HTTP Basic, suspension, termination, and reminders of expiry, over real sockets. */
import { createAccounts } from '@sealpost/accounts'
import type { AccountsDomain } from '@sealpost/accounts'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemClock, systemRandom, VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  BIRTH,
  certify,
  DAY,
  direct,
  ed25519,
  flags,
  reason,
  seconds,
  userId,
} from '../../../packages/openpgp/test/maker.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import { directMail } from '../../smtp/test/direct-mail.ts'
import { MailSink } from '../../smtp/test/mail-sink.ts'
import { armor, createTestKeys, startKeys, summaryOf } from './keys.ts'
import type { TestKeys } from './keys.ts'

const fingerprintOf = (seed: number): string => ed25519(seed).key.fingerprint.toString('hex').toUpperCase()

function certificate(seed: number, addresses: readonly string[], lifeSeconds?: number): Buffer {
  const primary = ed25519(seed)
  const hashed = [flags(3), ...(lifeSeconds === undefined ? [] : [seconds(9, lifeSeconds)])]
  const names = addresses.map((address) => `User <${address}>`)
  return Buffer.concat([
    primary.key.packet.bytes,
    ...names.flatMap((name) => [userId(name), certify(primary, name, { hashed })]),
  ])
}

describe('own keys', () => {
  const stack = new AsyncDisposableStack()
  let keys: TestKeys
  let accounts: AccountsDomain
  beforeAll(async () => {
    keys = stack.use(await createTestKeys())
    const { databaseUrl: url, bus } = keys.platform
    const db = stack.use(await openDb({ url, role: 'sealpost_account', poolSize: 2 }))
    accounts = stack.use(createAccounts({ db, bus, clock: systemClock, random: systemRandom }))
  })
  afterAll(() => stack.disposeAsync())

  interface Answer {
    readonly status: number
    readonly json: Record<string, unknown>
    readonly headers: Headers
  }

  async function call(user: string, method: string, path = '', body?: unknown): Promise<Answer> {
    const answer = await fetch(`${keys.http}/v1/me/keys${path}`, {
      method,
      headers: {
        ...(user === '' ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      headers: answer.headers,
      json: text === '' ? {} : (JSON.parse(text) as Answer['json']),
    }
  }
  const make = async (name: string): Promise<string> => {
    await accounts.create(parseJid(`${name}@localhost`), 'secret')
    return `${name}:secret`
  }
  const lookUp = async (address: string): Promise<number> =>
    (await fetch(`${keys.http}/vks/v1/by-email/${address}`)).status
  const within = { interval: 20, timeout: 30_000 }

  test('upload publishes for the account’s address without a mail; list, unpublish, publish, delete', async () => {
    const ann = await make('ann')
    const [fingerprint, address] = [fingerprintOf(1), 'ann@localhost']
    const keytext = armor(certificate(1, [address, 'ann@elsewhere.example']))
    const item = {
      fingerprint,
      version: 4,
      algorithm: 'ed25519',
      createdOn: '2024-01-01',
      revoked: false,
      published: true,
    }
    expect(await call(ann, 'GET')).toMatchObject({ status: 200, json: { items: [] } })
    expect(await call(ann, 'POST', '', { keytext })).toMatchObject({ status: 200, json: item })
    expect((await call(ann, 'GET')).json).toEqual({ items: [item] })
    expect(await lookUp(address)).toBe(200)
    expect(await lookUp('ann@elsewhere.example')).toBe(404)
    expect((await call(ann, 'DELETE', `/${fingerprint}/published`)).status).toBe(204)
    expect((await call(ann, 'DELETE', `/${fingerprint}/published`)).status).toBe(404)
    expect(await lookUp(address)).toBe(404)
    expect((await call(ann, 'PUT', `/${fingerprint.toLowerCase()}/published`)).status).toBe(204)
    expect(await lookUp(address)).toBe(200)
    expect((await call(ann, 'DELETE', `/${fingerprint}`)).status).toBe(204)
    expect(await lookUp(address)).toBe(404)
    expect((await fetch(`${keys.http}/vks/v1/by-fingerprint/${fingerprint}`)).status).toBe(404)
    // What its owner had deleted only its owner brings back.
    expect(
      (await fetch(`${keys.http}/pks/add`, { method: 'POST', body: new URLSearchParams({ keytext }) }))
        .status,
    ).toBe(200)
    expect((await fetch(`${keys.http}/vks/v1/by-fingerprint/${fingerprint}`)).status).toBe(404)
    expect((await call(ann, 'POST', '', { keytext, publish: false })).json).toMatchObject({
      published: false,
    })
    expect(keys.sink.mails).toEqual([])
  })

  test('an organisation has so many keys published, however many come at once; one that is taken off makes room', async () => {
    const { organisations } = accounts
    const { id } = await organisations.create({
      name: 'Keys',
      kind: 'customer',
      parentId: undefined,
      pools: { keys: 3 },
    })
    const names = Array.from({ length: 8 }, (_, index) => `pool${String(index)}`)
    for (const name of names) {
      await make(name)
      await organisations.moveAccount(parseJid(`${name}@localhost`), id)
    }
    const upload = (index: number, publish = true) =>
      call(`pool${String(index)}:secret`, 'POST', '', {
        keytext: armor(certificate(80 + index, [`pool${String(index)}@localhost`])),
        publish,
      })
    const used = async () => (await organisations.pools(id)).keys.used
    const statuses = (await Promise.all(names.map((_name, index) => upload(index)))).map(
      ({ status }) => status,
    )
    expect(statuses.filter((status) => status === 200)).toHaveLength(3)
    const refused = statuses.indexOf(409)
    expect((await upload(refused)).json).toMatchObject({ type: 'urn:sealpost:problem:pool-exceeded' })
    expect(await lookUp(`pool${String(refused)}@localhost`)).toBe(404)
    expect((await upload(refused, false)).status).toBe(200)
    const owner = statuses.indexOf(200)
    expect((await upload(owner)).status).toBe(200) // the same again
    expect(await used()).toBe(3)
    const own = `/${fingerprintOf(80 + owner)}/published`
    expect((await call(`pool${String(owner)}:secret`, 'DELETE', own)).status).toBe(204)
    expect(await used()).toBe(2)
    expect((await upload(refused)).status).toBe(200)
    expect((await call(`pool${String(owner)}:secret`, 'PUT', own)).status).toBe(409)
    await accounts.terminate(parseJid(`pool${String(refused)}@localhost`))
    await expect.poll(() => lookUp(`pool${String(refused)}@localhost`), within).toBe(404)
    expect(await used()).toBe(2)
    // As a process that is killed between counting and publishing.
    const account = await accounts.find(parseJid(`pool${String(owner)}@localhost`))
    await organisations.holdKey(account?.id ?? '')
    await using again = await startKeys(keys.platform)
    expect(again.addresses).toHaveLength(1)
    await expect.poll(used, within).toBe(2)
  })

  test('expired and revoked keys can be taken off and deleted, and revoked ones not be published', async () => {
    const eve = await make('eve')
    const keytext = armor(certificate(2, ['eve@localhost'], 2 * DAY))
    expect((await call(eve, 'POST', '', { keytext })).json).toMatchObject({
      expiresOn: '2024-01-03',
      published: true,
    })
    const revocation = armor(direct(ed25519(2), { type: 0x20, hashed: [reason(2)] }))
    expect((await call(eve, 'POST', '', { keytext: revocation })).json).toMatchObject({
      type: 'urn:sealpost:problem:key-revoked',
    })
    expect((await call(eve, 'GET')).json).toMatchObject({ items: [{ revoked: true, published: true }] })
    expect((await call(eve, 'DELETE', `/${fingerprintOf(2)}/published`)).status).toBe(204)
    expect((await call(eve, 'PUT', `/${fingerprintOf(2)}/published`)).status).toBe(409)
    expect((await call(eve, 'DELETE', `/${fingerprintOf(2)}`)).status).toBe(204)
  })

  test('nobody touches the keys of others', async () => {
    const [bob, mallory] = [await make('bob'), await make('mallory')]
    await call(bob, 'POST', '', { keytext: armor(certificate(3, ['bob@localhost', 'mallory@localhost'])) })
    const path = `/${fingerprintOf(3)}`
    expect((await call(mallory, 'DELETE', `${path}/published`)).status).toBe(404)
    expect((await call(mallory, 'DELETE', path)).json).toMatchObject({
      type: 'urn:sealpost:problem:key-shared',
    })
    await call(bob, 'POST', '', { keytext: armor(certificate(4, ['bob@localhost'])) })
    expect((await call(mallory, 'DELETE', `/${fingerprintOf(4)}`)).status).toBe(404)
    expect((await call(mallory, 'PUT', `/${fingerprintOf(4)}/published`)).json).toMatchObject({
      type: 'urn:sealpost:problem:key-without-address',
    })
    expect(await lookUp('bob@localhost')).toBe(200)
  })

  test.each<[string, string, object, number, string]>([
    ['no sign-in', '', { keytext: '' }, 401, 'sign-in-missing'],
    ['a wrong password', 'ann:wrong', { keytext: '' }, 401, 'sign-in-refused'],
    ['no key', 'ann:secret', { keytext: 'hello' }, 422, 'key-unacceptable'],
    [
      'a secret key',
      'ann:secret',
      { keytext: '-----BEGIN PGP PRIVATE KEY BLOCK-----' },
      422,
      'key-unacceptable',
    ],
    [
      'two keys',
      'ann:secret',
      { keytext: armor(Buffer.concat([certificate(5, ['a@x.example']), certificate(6, ['b@x.example'])])) },
      422,
      'key-not-one',
    ],
    [
      'another’s key',
      'ann:secret',
      { keytext: armor(certificate(7, ['other@localhost'])) },
      422,
      'key-without-address',
    ],
    ['an unknown member', 'ann:secret', { keytext: '', more: 1 }, 400, 'validation'],
  ])('%s: a problem', async (_, user, body, status, type) => {
    const answer = await call(user, 'POST', '', body)
    expect([answer.status, answer.json['type']]).toEqual([status, `urn:sealpost:problem:${type}`])
    expect(answer.headers.get('www-authenticate') !== null).toBe(status === 401)
    if (_ === 'a secret key') expect(answer.json['title']).toContain('treat the key as exposed')
  })

  test('a suspended account’s key is not found until the account is restored; a terminated one’s is gone', async () => {
    const kim = await make('kim')
    const address = 'kim@localhost'
    const jid = parseJid(address)
    await call(kim, 'POST', '', { keytext: armor(certificate(8, [address])) })
    await accounts.suspend(jid, 'abuse')
    await expect.poll(() => lookUp(address), within).toBe(404)
    expect((await call(kim, 'GET')).json).toMatchObject({ type: 'urn:sealpost:problem:account-suspended' })
    const found = await fetch(`${keys.http}/vks/v1/by-fingerprint/${fingerprintOf(8)}`)
    expect(summaryOf(await found.text()).userIds).toEqual([])
    // Nor can it be verified by mail meanwhile.
    const uploaded = await fetch(`${keys.http}/vks/v1/upload`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ keytext: armor(certificate(9, [address])) }),
    })
    const { token } = (await uploaded.json()) as { token: string }
    const requested = await fetch(`${keys.http}/vks/v1/request-verify`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, addresses: [address] }),
    })
    expect(await requested.json()).toMatchObject({ status: { [address]: 'unpublished' } })
    await accounts.restore(jid)
    await expect.poll(() => lookUp(address), within).toBe(200)
    const { id } = (await accounts.find(jid)) ?? { id: '' }
    await accounts.terminate(jid)
    await expect.poll(() => lookUp(address), within).toBe(404)
    await expect.poll(() => accounts.erasure.pending('keys'), within).not.toContain(id)
    expect((await fetch(`${keys.http}/vks/v1/by-fingerprint/${fingerprintOf(8)}`)).status).toBe(404)
  })

  test('what is published for an account that was suspended or terminated before is not shown', async () => {
    const byFingerprint = async (seed: number): Promise<number> =>
      (await fetch(`${keys.http}/vks/v1/by-fingerprint/${fingerprintOf(seed)}`)).status
    const [suspended, terminated] = ['sue@localhost', 'tom@localhost']
    await make('sue')
    await make('tom')
    await accounts.suspend(parseJid(suspended), 'abuse')
    await accounts.terminate(parseJid(terminated))
    const uploads = [certificate(70, [suspended]), certificate(71, [terminated])]
    await keys.service.directory.importAll(uploads, () => true)
    expect([await lookUp(suspended), await lookUp(terminated)]).toEqual([404, 404])
    expect([await byFingerprint(70), await byFingerprint(71)]).toEqual([200, 404])
    await accounts.restore(parseJid(suspended))
    await expect.poll(() => lookUp(suspended), within).toBe(200)
  })
})

test('what happened to accounts while the directory was away is made up for at its start', async () => {
  await using stack = new AsyncDisposableStack()
  const platform = stack.use(await createTestPlatform())
  const { databaseUrl: url, bus } = platform
  const db = stack.use(await openDb({ url, role: 'sealpost_account', poolSize: 2 }))
  const accounts = stack.use(createAccounts({ db, bus, clock: systemClock, random: systemRandom }))
  const [address, jid] = ['zoe@localhost', parseJid('zoe@localhost')]
  await accounts.create(jid, undefined)
  const shown = async (directory: Awaited<ReturnType<typeof startKeys>>['directory']): Promise<number> =>
    (await directory.find({ kind: 'address', value: address })).length
  {
    await using service = await startKeys(platform)
    await service.directory.submit(certificate(20, [address]))
    await service.directory.publish(fingerprintOf(20), address)
    expect(await shown(service.directory)).toBe(1)
  }
  await accounts.suspend(jid, 'abuse')
  {
    await using service = await startKeys(platform)
    await expect.poll(() => shown(service.directory)).toBe(0)
  }
  await accounts.restore(jid)
  await using service = await startKeys(platform)
  await expect.poll(() => shown(service.directory)).toBe(1)
})

test('owners are told of the expiry 30, 7 and 1 days before, once each, over restarts', async () => {
  await using stack = new AsyncDisposableStack()
  const platform = stack.use(await createTestPlatform())
  const sink = stack.use(await MailSink.open())
  const mail = stack.use(directMail(sink.smarthost))
  const day = (text: string): number => Date.parse(`${text}T01:00:00Z`)
  const lifeUntil = (text: string): number => day(text) / 1000 - BIRTH
  {
    const clock = { ...systemClock, now: () => day('2026-01-20') }
    await using service = await startKeys({ ...platform, clock }, { mail })
    for (const [seed, address, until] of [
      [30, 'first@example.org', '2026-02-15'],
      [31, 'second@example.org', '2026-02-20'],
    ] as const) {
      await service.directory.submit(certificate(seed, [address], lifeUntil(until)))
      await service.directory.publish(fingerprintOf(seed), address)
    }
  }
  /** A start on this day, and an hour of it; then so many mails have come in all. */
  const live = async (text: string, mails: number): Promise<void> => {
    const clock = new VirtualClock(day(text))
    const service = await startKeys({ ...platform, clock }, { mail })
    await clock.advance(60 * 60_000)
    await sink.next(mails - 1)
    await service[Symbol.asyncDispose]()
  }
  await live('2026-01-20', 1)
  await live('2026-01-21', 2)
  await live('2026-02-09', 3)
  await live('2026-02-14', 5)
  expect(
    sink.mails.map(({ recipient, message }) => [recipient, /^Date: \w+, (\d+ \w+)/m.exec(message)?.[1]]),
  ).toEqual([
    ['first@example.org', '20 Jan'],
    ['second@example.org', '21 Jan'],
    ['first@example.org', '09 Feb'],
    ['first@example.org', '14 Feb'],
    ['second@example.org', '14 Feb'],
  ])
  expect(sink.mails[0]?.message).toMatch(/expires on 2026-02-15/)
})

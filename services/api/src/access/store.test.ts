import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import type { Role } from './roles.ts'
import { memorySessionStore } from './session-store.memory.ts'
import { postgresSessionStore } from './session-store.postgres.ts'
import { memoryAccessStore, memoryState } from './store.memory.ts'
import { postgresAccessStore } from './store.postgres.ts'
import type {
  AccessStore,
  AdministratorRow,
  Enrolled,
  PasskeyRow,
  SessionRow,
  SessionStore,
} from './store.ts'

type Stores = AccessStore & SessionStore

const TODAY = '2030-01-01'
const NOW = Date.parse(TODAY)

async function openMemory(): Promise<Stores> {
  const state = memoryState()
  return { ...memoryAccessStore(state), ...memorySessionStore(state) }
}

async function openPostgres(stack: AsyncDisposableStack): Promise<Stores> {
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 10 }))
  return { ...postgresAccessStore(db), ...postgresSessionStore(db) }
}

const id = () => systemRandom.uuid()
let count = 0

function administrator(role: Role, organisationId?: string): AdministratorRow {
  count += 1
  return {
    id: id(),
    name: `Name ${String(count)}`,
    role,
    organisationId,
    createdOn: TODAY,
    lastUsedOn: undefined,
  }
}

function passkey(name = 'Key'): PasskeyRow {
  const [credentialId, publicKey] = [systemRandom.bytes(32), systemRandom.bytes(77)]
  return {
    id: id(),
    credentialId,
    publicKey,
    counter: 0,
    transports: ['usb'],
    name,
    createdOn: TODAY,
    lastUsedOn: undefined,
  }
}

function enrolled(): Enrolled {
  return { passkey: passkey(), totp: undefined, codeHashes: [systemRandom.bytes(32), systemRandom.bytes(32)] }
}

const totp = (usedStep = 1) => ({ sealedSecret: systemRandom.bytes(48), usedStep, createdOn: TODAY })

function session(administratorId: string, times: Partial<SessionRow> = {}): SessionRow {
  return {
    id: id(),
    administratorId,
    method: 'passkey',
    startedAt: NOW,
    seenAt: NOW,
    provedAt: NOW,
    ...times,
  }
}

async function outcomes(work: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(work)
  return settled.map((each) => (each.status === 'fulfilled' ? 'ok' : (each.reason as { code: string }).code))
}

describe.each([
  ['memory', openMemory],
  ['postgres', openPostgres],
])('administrators (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let stores: Stores
  beforeAll(async () => {
    stores = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  const appoint = async (role: Role, organisationId?: string) => {
    const row = administrator(role, organisationId)
    const proofs = enrolled()
    await stores.insert(row, proofs)
    return { ...row, proofs }
  }

  test('of 50 who come at once, exactly four become owner or admin; support and auditors do not count', async () => {
    expect(await stores.anybody()).toBe(false)
    const roles: Role[] = ['owner', 'admin']
    const tries = Array.from({ length: 50 }, (_, index) =>
      stores.insert(administrator(roles[index % 2] ?? 'owner'), enrolled()),
    )
    const results = await outcomes(tries)
    expect(results.filter((result) => result === 'ok')).toHaveLength(4)
    expect(results.filter((result) => result === 'ADMINISTRATORS_FULL')).toHaveLength(46)
    expect(await stores.countApprovers(undefined)).toBe(4)
    await stores.insert(administrator('support'), enrolled())
    await stores.insert(administrator('auditor'), enrolled())
    expect(await outcomes([stores.insert(administrator('admin'), enrolled())])).toEqual([
      'ADMINISTRATORS_FULL',
    ])
    const all = await stores.list({ after: undefined, limit: 100, organisationIds: undefined })
    for (const row of all) await outcomes([stores.remove(row.id)])
    expect(await stores.countApprovers(undefined)).toBeLessThanOrEqual(1)
  })

  test('of 50 who come at once to each of two organisations, exactly four administer each', async () => {
    const organisations = [id(), id()]
    const tries = Array.from({ length: 100 }, (_, index) =>
      stores.insert(
        administrator(index % 3 === 0 ? 'reseller' : 'org_admin', organisations[index % 2]),
        enrolled(),
      ),
    )
    expect((await outcomes(tries)).filter((result) => result === 'ok')).toHaveLength(8)
    for (const organisationId of organisations) expect(await stores.countApprovers(organisationId)).toBe(4)
    const [first = '', second = ''] = organisations
    const listed = await stores.list({ after: undefined, limit: 3, organisationIds: [first] })
    expect(listed).toHaveLength(3)
    const rest = await stores.list({ after: listed.at(-1)?.id, limit: 3, organisationIds: [first] })
    expect([...listed, ...rest].map((row) => row.organisationId)).toEqual(Array(4).fill(first))
    await stores.removeOf(first)
    expect([await stores.countApprovers(first), await stores.countApprovers(second)]).toEqual([0, 4])
    const [mover] = await stores.list({ after: undefined, limit: 1, organisationIds: [second] })
    await stores.setRole(mover!.id, 'org_admin', first)
    expect(await stores.countApprovers(second)).toBe(3)
  })

  test('the last owner stays, whatever is tried at once', async () => {
    const owners = async () =>
      (await stores.list({ after: undefined, limit: 100, organisationIds: undefined })).filter(
        ({ role }) => role === 'owner',
      )
    const first = (await owners())[0] ?? (await appoint('owner'))
    const second = await appoint('owner')
    const results = await outcomes([
      stores.remove(first.id),
      stores.remove(second.id),
      stores.setRole(first.id, 'support', undefined),
      stores.setRole(second.id, 'auditor', undefined),
    ])
    expect(await owners(), results.join()).toHaveLength(1)
    expect(results).toContain('LAST_OWNER')
  })

  test('names are told apart as people see them', async () => {
    const row = { ...administrator('support'), name: 'Zoë' }
    await stores.insert(row, enrolled())
    expect(await outcomes([stores.insert({ ...row, id: id(), name: 'ZOE\u0308' }, enrolled())])).toEqual([
      'NAME_TAKEN',
    ])
    await stores.rename(row.id, 'zoë')
    expect(await stores.find(row.id)).toEqual({ ...row, name: 'zoë' })
    const other = await appoint('support')
    expect(await outcomes([stores.rename(other.id, 'ZOË'), stores.rename(id(), 'Nobody')])).toEqual([
      'NAME_TAKEN',
      'ADMINISTRATOR_UNKNOWN',
    ])
    await stores.recordUse(row.id, TODAY)
    expect((await stores.find(row.id))?.lastUsedOn).toBe(TODAY)
  })

  test('a passkey is found by its credential, counts up, is renamed; the last proof stays', async () => {
    const { id: who, proofs } = await appoint('auditor')
    const first = proofs.passkey!
    expect(await stores.passkeyByCredential(first.credentialId)).toMatchObject({
      passkey: first,
      administrator: { id: who },
    })
    expect(await stores.passkeyByCredential(systemRandom.bytes(32))).toBeUndefined()
    await stores.recordPasskeyUse(first.id, 7, TODAY)
    await stores.recordPasskeyUse(first.id, 3, TODAY)
    const second = passkey('Second')
    await stores.addPasskey(who, second, 2)
    await stores.renamePasskey(who, first.id, 'First')
    const { passkeys, codesLeft } = await stores.security(who)
    expect(passkeys).toHaveLength(2)
    expect(passkeys).toContainEqual({ ...first, counter: 7, name: 'First', lastUsedOn: TODAY })
    expect(codesLeft).toBe(2)
    const other = await appoint('auditor')
    const refused = await outcomes([
      stores.addPasskey(who, passkey(), 2),
      stores.addPasskey(other.id, { ...second, id: id() }, 9),
      stores.renamePasskey(other.id, first.id, 'Mine'),
      stores.removePasskey(other.id, first.id),
      stores.removePasskey(other.id, other.proofs.passkey!.id),
    ])
    expect(refused).toEqual([
      'PASSKEY_LIMIT',
      'CREDENTIAL_REFUSED',
      'PASSKEY_UNKNOWN',
      'PASSKEY_UNKNOWN',
      'LAST_PROOF',
    ])
    const both = await outcomes([stores.removePasskey(who, first.id), stores.removePasskey(who, second.id)])
    expect(both.toSorted()).toEqual(['LAST_PROOF', 'ok'])
  })

  test('a code is taken once, of many at once by one', async () => {
    const { id: who, name, proofs } = await appoint('support')
    expect(await stores.totpByName(name)).toBeUndefined()
    const kept = totp(5)
    await stores.setTotp(who, totp(9))
    await stores.setTotp(who, kept)
    expect(await stores.totpByName(name.toUpperCase())).toMatchObject({
      totp: kept,
      administrator: { id: who },
    })
    const steps = await Promise.all(Array.from({ length: 10 }, () => stores.useTotpStep(who, 6)))
    expect(steps.filter(Boolean)).toHaveLength(1)
    expect(await Promise.all([5, 6].map((step) => stores.useTotpStep(who, step)))).toEqual([false, false])
    await stores.removePasskey(who, proofs.passkey!.id)
    expect(await outcomes([stores.removeTotp(who)])).toEqual(['LAST_PROOF'])
    const [code = Buffer.alloc(0)] = proofs.codeHashes
    expect(await stores.useCode('Somebody else', code)).toBeUndefined()
    const used = await Promise.all(Array.from({ length: 10 }, () => stores.useCode(name, code)))
    expect(used.filter(Boolean)).toHaveLength(1)
    await stores.replaceCodes(who, [systemRandom.bytes(32)])
    expect((await stores.security(who)).codesLeft).toBe(1)
  })

  test('who enrols anew begins anew, and who is given another role or removed is signed out', async () => {
    const organisationId = id()
    const { id: who, proofs } = await appoint('org_admin', organisationId)
    const start = async () => {
      const [row, tokenHash] = [session(who), systemRandom.bytes(32)]
      await stores.insertSession(row, tokenHash)
      return { row, tokenHash }
    }
    const first = await start()
    expect(await stores.session(first.tokenHash)).toMatchObject({
      session: first.row,
      administrator: { id: who },
    })
    await stores.enrolAnew(who, 'Anew', { passkey: undefined, totp: totp(), codeHashes: [] })
    expect(await stores.session(first.tokenHash)).toBeUndefined()
    expect(await stores.passkeyByCredential(proofs.passkey!.credentialId)).toBeUndefined()
    expect(await stores.security(who)).toMatchObject({ passkeys: [], codesLeft: 0 })
    const second = await start()
    await stores.setRole(who, 'reseller', organisationId)
    expect(await stores.session(second.tokenHash)).toBeUndefined()
    const third = await start()
    await stores.remove(who)
    expect(await stores.session(third.tokenHash)).toBeUndefined()
    expect(await outcomes([stores.remove(who), stores.setRole(who, 'support', undefined)])).toEqual(
      Array(2).fill('ADMINISTRATOR_UNKNOWN'),
    )
  })

  test('sessions are listed, seen, proven, and ended by their owner or by time', async () => {
    const [{ id: who }, { id: other }] = [await appoint('support'), await appoint('support')]
    const rows = [session(who), session(who, { startedAt: NOW + 1 }), session(who, { startedAt: NOW - 10 })]
    const hashes = rows.map(() => systemRandom.bytes(32))
    for (const [index, row] of rows.entries()) await stores.insertSession(row, hashes[index]!)
    const [first, newest, oldest] = rows
    expect((await stores.sessions(who)).map((row) => row.id)).toEqual([newest!.id, first!.id, oldest!.id])
    await stores.touchSession(first!.id, NOW + 60)
    await stores.proveSession(first!.id, NOW + 50)
    expect((await stores.session(hashes[0]!))?.session).toMatchObject({
      seenAt: NOW + 60,
      provedAt: NOW + 50,
    })
    expect(await stores.endSession(other, newest!.id)).toBe(false)
    expect(await stores.endSession(who, newest!.id)).toBe(true)
    await stores.eraseSessions(NOW - 10, NOW - 100)
    expect((await stores.sessions(who)).map((row) => row.id)).toEqual([first!.id])
    await stores.eraseSessions(NOW - 10, NOW + 60)
    expect(await stores.sessions(who)).toEqual([])
  })

  test('a challenge is good once, for its purpose, in its time; and there are not too many', async () => {
    const give = (purpose: 'proof' | 'add', max = 10, now = NOW) => {
      const challenge = {
        challengeHash: systemRandom.bytes(32),
        purpose,
        administratorId: id(),
        expiresAt: now + 1_000,
      }
      return stores.insertChallenge(challenge, max, now).then((given) => ({ challenge, given }))
    }
    const { challenge } = await give('proof')
    expect(await stores.takeChallenge(challenge.challengeHash, 'add', NOW)).toBeUndefined()
    const taken = await Promise.all(
      Array.from({ length: 10 }, () => stores.takeChallenge(challenge.challengeHash, 'proof', NOW)),
    )
    expect(taken.filter(Boolean)).toEqual([challenge])
    const late = await give('add')
    expect(await stores.takeChallenge(late.challenge.challengeHash, 'add', NOW + 1_000)).toBeUndefined()
    expect((await give('add', 1)).given).toBe(false)
    expect((await give('proof', 1)).given).toBe(true)
    expect((await give('add', 1, NOW + 1_000)).given).toBe(true)
    const many = await Promise.all(Array.from({ length: 20 }, () => give('add', 5, NOW + 1_000)))
    expect(many.filter(({ given }) => given)).toHaveLength(4)
  })
})

/**
 * Strangers cannot tell an address of which a certificate is kept but not published from one that nobody has here, neither by what is answered nor by when, over HKP, VKS, WKD,
 * DANE and in the log. The times are compared by a rank test on interleaved samples over real sockets; that it would notice one statement more or less, a control shows.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ed25519, sample } from '../../../packages/openpgp/test/maker.ts'
import { median, rankDistance, shuffle, Z_MAX } from '../../../test/rank-test.ts'
import { localPartHash } from '../src/directory/mailbox.ts'
import { writeZBase32 } from '../src/directory/z-base-32.ts'
import { createTestKeys, type TestKeys } from './keys.ts'

const NAMES = 40
const DOMAIN = 'localhost'
/** Nobody has it; then: uploaded and not verified; published once and taken off; of a suspended account. */
const KINDS = ['unknown', 'unverified', 'withdrawn', 'suspended'] as const
type Kind = (typeof KINDS)[number]

const nameOf = (kind: Kind, index: number): string => `${kind}-${String(index)}`
const wkdPath = (local: string): string =>
  `/.well-known/openpgpkey/${DOMAIN}/hu/${writeZBase32(localPartHash(local))}?l=${local}`

type Face = readonly [string, (local: string) => string]

/** What is asked for the address of a local part. */
const FACES: readonly Face[] = [
  ['HKP', (local) => `/pks/lookup?op=get&search=${local}@${DOMAIN}`],
  ['HKP, index', (local) => `/pks/lookup?op=index&search=${local}@${DOMAIN}`],
  ['HKP version 2', (local) => `/pks/v2/certs/by-identity/${local}%40${DOMAIN}`],
  ['HKP version 2, index', (local) => `/pks/v2/index/${local}%40${DOMAIN}`],
  ['HKP version 2, canonical', (local) => `/pks/v2/canonical/${local}%40${DOMAIN}`],
  ['VKS', (local) => `/vks/v1/by-email/${local}%40${DOMAIN}`],
  ['WKD', wkdPath],
  ['DANE', (local) => `/keys/v1/dane/${local}%40${DOMAIN}`],
]
/** The log says of what was published once that it is no more: its owner is to see that. */
const PROOF: Face = ['the log', (local) => `/keys/v1/proof/${local}%40${DOMAIN}`]

let keys: TestKeys
beforeAll(async () => {
  keys = await createTestKeys()
  await Promise.all(KINDS.map(populate))
})
afterAll(() => keys[Symbol.asyncDispose]())

async function populate(kind: Kind): Promise<void> {
  if (kind === 'unknown') return
  const { directory } = keys.service
  const all = Array.from({ length: NAMES }, (_, index) => ({
    seed: 10_000 * KINDS.indexOf(kind) + index,
    address: `${nameOf(kind, index)}@${DOMAIN}`,
  }))
  await directory.submit(
    Buffer.concat(all.map(({ seed, address }) => sample(seed, { addresses: [address] }).bytes)),
  )
  if (kind === 'unverified') return
  const withhold = async ({
    seed,
    address,
  }: {
    readonly seed: number
    readonly address: string
  }): Promise<void> => {
    await directory.publish(ed25519(seed).key.fingerprint.toString('hex').toUpperCase(), address)
    await (kind === 'withdrawn' ? directory.unpublish(address) : directory.suspend(address))
  }
  for (const each of all) await withhold(each)
}

let clients = 0

/** How long the answer takes, which must be the same one for all. Each question comes from a client of its own: limits are not what is measured. */
async function timeOf(path: string, answers: Set<string>): Promise<number> {
  clients += 1
  const headers = {
    'x-forwarded-for': `10.${[clients >> 16, (clients >> 8) & 255, clients & 255].join('.')}`,
  }
  const started = performance.now()
  const answer = await fetch(keys.http + path, { headers })
  const text = await answer.text()
  const took = performance.now() - started
  const shown = [...answer.headers].filter(([name]) => !['date', 'x-request-id'].includes(name))
  answers.add(JSON.stringify([answer.status, shown, text]))
  return took
}

describe('an address that nobody published', () => {
  test.each(FACES)('looks the same by %s as one that nobody has', (...face) => expectSame(face, KINDS))
  test('looks the same by the log as one that nobody has, unless it was published once', () =>
    expectSame(PROOF, ['unknown', 'unverified']))
})

async function expectSame(face: Face, kinds: readonly Kind[]): Promise<void> {
  const answers = new Set<string>()
  for (const attempt of ['first', 'again']) {
    const distances = await measure(face, kinds, answers)
    expect(answers.size).toBe(1)
    expect([...answers][0]).toMatch(/^\[404,/)
    if (Math.max(...distances) < Z_MAX) return
    if (attempt === 'again') expect(Math.max(...distances)).toBeLessThan(Z_MAX)
  }
}

/** How far each kind is from `unknown`. */
async function measure([face, path]: Face, kinds: readonly Kind[], answers: Set<string>): Promise<number[]> {
  const times = new Map<Kind, number[]>(kinds.map((kind) => [kind, []]))
  const all = kinds.flatMap((kind) => Array.from({ length: NAMES }, (_, index) => ({ kind, index })))
  for (const { kind, index } of shuffle(all))
    times.get(kind)?.push(await timeOf(path(nameOf(kind, index)), answers))
  const unknown = times.get('unknown') ?? []
  return [...times].map(([kind, each]) => {
    const distance = rankDistance(each, unknown)
    process.stdout.write(`${face}, ${kind}: ${median(each).toFixed(2)} ms, ${distance.toFixed(1)} σ\n`)
    return Math.abs(distance)
  })
}

test('the control: an answer without its statement would be noticed', async () => {
  let seen = 0
  for (let tries = 0; seen <= Z_MAX && tries < 5; tries++) {
    const answers = new Set<string>()
    const times: [number[], number[]] = [[], []]
    for (let index = 0; index < 2 * NAMES; index++) {
      times[0].push(await timeOf(wkdPath(`control-${String(index)}`), answers))
      times[1].push(await timeOf(`/.well-known/openpgpkey/${DOMAIN}/hu/malformed`, answers))
    }
    expect(answers.size).toBe(1)
    seen = Math.abs(rankDistance(...times))
  }
  expect(seen).toBeGreaterThan(Z_MAX)
})

import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { createFixture, setReadOnly } from '../../delivery/sealed-store/_fixture.ts'
import { UPLOADS_QUEUE } from '../../delivery/sealed-store/sealed-store.ts'
import { createXmppEvents } from '../../events.ts'
import { UploadFiles } from './upload-files.ts'
import { Uploads } from './uploads.ts'

const LIMITS = { fileBytes: 1_000, spaceBytes: 100_000, slotsPerHour: 1_000, keepSeconds: 3_600 }

async function open() {
  await using stack = new AsyncDisposableStack()
  const fixture = stack.use(await createFixture())
  const store = stack.use(await fixture.open({ retryMs: 200 }))
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-uploads-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const random = systemRandom
  const files = await UploadFiles.open({ directory, random, freeBytesMin: 0 })
  const events = createXmppEvents(createLog({ level: 'silent' }), createMetrics())
  const limitsOf = () => Promise.resolve(LIMITS)
  const parts = { store, files, limitsOf, clock: systemClock, random, events }
  const uploads = stack.use(await Uploads.open(parts))
  const held = stack.move()
  return { fixture, store, uploads, directory, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

function body(text: string): Readable {
  return Readable.from([Buffer.from(text)])
}

async function slot(uploads: Uploads, accountId: string, fetches?: number) {
  const wish = { bytes: 3, contentType: undefined, expireBefore: undefined, fetches }
  const granting = await uploads.grant(accountId, wish)
  if (granting.outcome !== 'granted') throw new Error(granting.outcome)
  const { address, ownerToken } = granting
  return { address, ownerToken, bytes: 3, contentType: undefined }
}

test('a fetch that could not be counted leaves no record behind when the file is deleted', async () => {
  await using place = await open()
  const { uploads, store, fixture } = place
  const claim = await slot(uploads, randomUUID(), 5)
  await uploads.receive(claim, body('abc'))
  const upload = uploads.find(claim.address)
  if (upload === undefined) throw new Error('it is there')
  await setReadOnly(fixture, true)
  uploads.fetched(upload)
  expect(store.depth(UPLOADS_QUEUE).count).toBe(2)
  await expect.poll(() => store.depth(UPLOADS_QUEUE).count).toBe(1) // given up
  await setReadOnly(fixture, false)
  await uploads.delete(claim.address, claim.ownerToken)
  expect(store.depth(UPLOADS_QUEUE).count).toBe(0)
  await expect.poll(() => readdir(place.directory)).toEqual([])
})

test('fetches that are counted at once leave one record, and the last of them none', async () => {
  await using place = await open()
  const { uploads, store } = place
  const claim = await slot(uploads, randomUUID(), 4)
  await uploads.receive(claim, body('abc'))
  const upload = uploads.find(claim.address)
  if (upload === undefined) throw new Error('it is there')
  for (let fetches = 0; fetches < 3; fetches++) uploads.fetched(upload)
  await expect.poll(() => store.depth(UPLOADS_QUEUE).count).toBe(1)
  uploads.fetched(upload)
  await expect.poll(() => store.depth(UPLOADS_QUEUE).count).toBe(0)
  expect(uploads.find(claim.address)).toBeUndefined()
})

test('whoever sends slowly keeps no room from others', async () => {
  await using place = await open()
  const { uploads } = place
  const [slow, other] = [randomUUID(), randomUUID()]
  const finish = Promise.withResolvers<void>()
  async function* slowly(): AsyncGenerator<Buffer> {
    await finish.promise
    yield Buffer.from('abc')
  }
  const claims = await Promise.all(Array.from({ length: 17 }, () => slot(uploads, slow)))
  const [last, ...rest] = claims
  if (last === undefined) throw new Error('there are seventeen')
  const under = rest.map((claim) => uploads.receive(claim, Readable.from(slowly())))
  await expect(uploads.receive(last, Readable.from(slowly()))).rejects.toMatchObject({ code: 'UPLOAD_BUSY' })
  await uploads.receive(await slot(uploads, other), body('abc'))
  finish.resolve()
  await Promise.all(under)
  await uploads.receive(last, body('abc'))
})

import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { createHttp } from '@sealpost/http'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { createFixture, setReadOnly } from '../../delivery/sealed-store/_fixture.ts'
import { UPLOADS_QUEUE } from '../../delivery/sealed-store/sealed-store.ts'
import { createXmppEvents } from '../../events.ts'
import { uploadRoutes } from '../../transports/upload-routes.ts'
import { CHUNK_BYTES } from './sealed-file.ts'
import { UploadError } from './upload-error.ts'
import { UploadFiles } from './upload-files.ts'
import { UPLOAD_PATH } from './upload.ts'
import { Uploads } from './uploads.ts'

const LIMITS = { fileBytes: 2_000_000, spaceBytes: 10_000_000, slotsPerHour: 1_000, keepSeconds: 3_600 }

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
  return { fixture, store, uploads, files, directory, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

function body(text: string): Readable {
  return Readable.from([Buffer.from(text)])
}

async function slot(uploads: Uploads, accountId: string, fetches?: number, bytes = 3) {
  const wish = { bytes, contentType: undefined, expireBefore: undefined, fetches }
  const granting = await uploads.grant(accountId, wish)
  if (granting.outcome !== 'granted') throw new Error(granting.outcome)
  const { address, ownerToken } = granting
  return { address, ownerToken, bytes, contentType: undefined }
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

async function serve(uploads: Uploads) {
  const log = createLog({ level: 'silent' })
  const http = await createHttp({ log, metrics: createMetrics(), title: 'test' })
  await uploadRoutes(http.app, uploads)
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  return { port, [Symbol.asyncDispose]: () => http[Symbol.asyncDispose]() }
}

test('whoever takes files slowly keeps nobody else from theirs', async () => {
  await using place = await open()
  const { uploads } = place
  const claim = await slot(uploads, randomUUID())
  await uploads.receive(claim, body('abc'))
  await using http = await serve(uploads)
  const finish = Promise.withResolvers<void>()
  uploads.read = async function* slowly() {
    yield Buffer.from('a')
    await finish.promise
    yield Buffer.from('bc')
  }
  const path = `${UPLOAD_PATH}/${claim.address}/a`
  const begin = (localAddress: string): Promise<IncomingMessage> => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const asked = request({ host: '127.0.0.1', port: http.port, path, localAddress, agent: false }, resolve)
    asked.on('error', reject).end()
    return promise
  }
  const slow = await Promise.all(Array.from({ length: 64 }, () => begin('127.0.0.2')))
  expect(slow.filter(({ statusCode }) => statusCode !== 200)).toEqual([])
  expect((await begin('127.0.0.2')).resume().statusCode).toBe(503)
  expect((await begin('127.0.0.3')).destroy().statusCode).toBe(200)
  slow[0]?.destroy()
  await expect.poll(async () => (await begin('127.0.0.2')).destroy().statusCode).toBe(200)
  finish.resolve()
  for (const each of slow) each.resume()
})

/** The disk takes so many writes, each of which takes its time, and no more. */
function failAfter(files: UploadFiles, count: number): void {
  const create = files.create.bind(files)
  let writes = 0
  files.create = async () => {
    const file = await create()
    const write = file.write.bind(file)
    file.write = async (pieces) => {
      if (pieces.length > 0) writes += 1
      if (pieces.length > 0 && writes > count) throw new UploadError('UPLOAD_FULL')
      for (let turn = 0; turn < 10; turn += 1) await setImmediate()
      await write(pieces)
    }
    return file
  }
}

test('a file is stored once all of it is written, also the last piece, after which the body ended', async () => {
  await using place = await open()
  const { uploads, files, directory } = place
  failAfter(files, 1)
  const claim = await slot(uploads, randomUUID(), undefined, 2 * CHUNK_BYTES)
  const whole = new Readable({ highWaterMark: 4 * CHUNK_BYTES, read: () => undefined })
  for (const piece of [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES), null]) whole.push(piece)
  await expect(uploads.receive(claim, whole)).rejects.toMatchObject({ code: 'UPLOAD_FULL' })
  expect(uploads.find(claim.address)).toBeUndefined()
  await expect.poll(() => readdir(directory)).toEqual([])
})

test('a body that is refused midway is read to its end: the next request on its connection is answered', async () => {
  await using place = await open()
  const { uploads, files } = place
  failAfter(files, 0)
  await using http = await serve(uploads)
  const { port } = http
  const bytes = 4 * CHUNK_BYTES
  const { address, ownerToken } = await slot(uploads, randomUUID(), undefined, bytes)
  const head = (method: string, more: string) =>
    `${method} ${UPLOAD_PATH}/${address}/a HTTP/1.1\r\nHost: a\r\n${more}\r\n`
  const socket = connect(port, '127.0.0.1')
  let answers = ''
  socket.on('data', (data: Buffer) => (answers += data.toString()))
  socket.write(head('PUT', `Authorization: Bearer ${ownerToken}\r\nContent-Length: ${String(bytes)}\r\n`))
  socket.write(Buffer.alloc(bytes))
  socket.write(head('HEAD', ''))
  await expect.poll(() => answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 507', 'HTTP/1.1 404'])
  socket.destroy()
})

import { randomBytes, randomUUID } from 'node:crypto'
import { readFile, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type QueueFixture, bytesOf, createQueueFixture, fill, newMail } from './_fixture.ts'
import type { MailStore } from './mail-store.ts'
import type { MailStoreOptions } from './open-mail-store.ts'

let fixture: QueueFixture
let store: MailStore

beforeAll(async () => {
  fixture = await createQueueFixture()
})
afterAll(() => fixture[Symbol.asyncDispose]())
afterEach(async () => {
  await fixture.db.execute(sql`delete from smtp.mail`)
})

async function open(changes?: Partial<MailStoreOptions>): Promise<MailStore> {
  store = await fixture.open(changes)
  onTestFinished(() => store[Symbol.asyncDispose]())
  return store
}

async function reopen(): Promise<MailStore> {
  await store[Symbol.asyncDispose]()
  return await open()
}

const rows = async (): Promise<number> => (await fixture.db.query(sql`select from smtp.mail`)).length
const files = (): Promise<string[]> => readdir(fixture.spoolDir)

test.each([
  ['no body', 0, 0],
  ['a small one', 10, 0],
  ['the largest that fits a row', 262_144, 0],
  ['one that is written to a file', 262_145, 1],
  ['a large one', 3_000_001, 1],
])('%s is read again from the draft, after acceptance, and after a restart', async (_what, size, inFile) => {
  await open()
  const body = randomBytes(size)
  const draft = await fill(store.draft(), body)
  expect(await bytesOf({ header: Buffer.alloc(0), bodyBytes: size, body: await draft.finish() })).toEqual(
    body,
  )
  const account = randomUUID()
  const { kept, content } = await store.accept({ ...(await newMail(store)), account, draft })
  expect(await bytesOf(content)).toEqual(body)
  expect(await files()).toHaveLength(inFile)
  await reopen()
  const found = store.find(kept.id)
  expect(found).toMatchObject({ account, place: 'outgoing', bodyBytes: size, domains: ['example.com'] })
  const opened = found && (await store.open(found))
  expect(opened?.content.header.toString()).toBe('Subject: test\r\n\r\n')
  expect(opened?.envelope.sender).toEqual({ local: 'ann', domain: 'example.org' })
  expect(await bytesOf(opened?.content)).toEqual(body)
  if (found) store.shred(found)
  if (size > 0) await expect(bytesOf(opened?.content)).rejects.toThrow()
  await store.collect()
  expect([await rows(), await files(), store.size]).toEqual([0, [], 0])
})

test('how much waits in a mailbox is known, over restarts too; what is on its way out is not counted', async () => {
  await open()
  const account = randomUUID()
  const put = async (size: number): Promise<string> => {
    const draft = await fill(store.draft(), randomBytes(size))
    const mail = { ...(await newMail(store)), account, place: 'mailbox', draft, recipients: [] } as const
    return (await store.accept(mail)).kept.id
  }
  const first = await put(10)
  await put(300_000)
  await store.accept({ ...(await newMail(store)), account })
  expect(store.waiting(account)).toEqual({ mails: 2, bytes: 300_010 })
  await reopen()
  expect(store.waiting(account)).toEqual({ mails: 2, bytes: 300_010 })
  for (const id of [first, first]) {
    const kept = store.find(id)
    if (kept) store.shred(kept)
  }
  expect(store.waiting(account)).toEqual({ mails: 1, bytes: 300_000 })
  for (const kept of store.ofAccount(account, 'mailbox')) store.shred(kept)
  expect(store.waiting(account)).toEqual({ mails: 0, bytes: 0 })
})

test('a copy in a mailbox is known by what it is a copy of, over restarts too, until it is gone', async () => {
  await open()
  const source = 'id bob@localhost'
  const copy = { account: randomUUID(), place: 'mailbox', recipients: [], source } as const
  const { kept } = await store.accept(await newMail(store, 'copy', copy))
  expect([store.hasCopy(source), store.hasCopy('id ann@localhost')]).toEqual([true, false])
  await reopen()
  expect(store.hasCopy(source)).toBe(true)
  const found = store.find(kept.id)
  if (found) store.shred(found)
  expect(store.hasCopy(source)).toBe(false)
})

test('what memory still has of a mail is as unreadable as the rest once its key is destroyed', async () => {
  await open()
  for (const size of [4_000, 1_000_000]) {
    const { kept, content } = await store.accept(await newMail(store, randomBytes(size)))
    expect((await bytesOf(content)).length).toBe(size)
    const reading = content.body()[Symbol.asyncIterator]()
    store.shred(kept)
    await expect(reading.next()).rejects.toThrow('The mail is gone')
  }
})

test.each([
  ['in the row', 150_000],
  ['in a file', 300_000],
])('a body that comes in small pieces is kept as it is %s', async (_where, size) => {
  await open()
  const body = randomBytes(size)
  const draft = store.draft()
  for (let from = 0; from < size; from += 71) await draft.write(body.subarray(from, from + 71))
  const { kept, content } = await store.accept({ ...(await newMail(store)), draft })
  expect(await bytesOf(content)).toEqual(body)
  expect(await bytesOf((await store.open(kept))?.content)).toEqual(body)
})

test('nothing of a mail is readable in tables or files', async () => {
  await open()
  const secret = 'c4n4ry-in-the-body '
  await store.accept(await newMail(store, secret.repeat(20_000)))
  const { kept } = await store.accept(await newMail(store, secret))
  // What another server said: of whom, it may repeat.
  const reply = { code: 450, status: '4.2.2', text: 'c4n4ry is over quota', host: 'mx.c4n4ry.example' }
  Object.assign(kept.state.recipients[0] ?? {}, { reply })
  await store.save(kept)
  const [dump] = await fixture.db.query<{ text: string }>(
    sql`select string_agg(concat(mail::text, encode(body, 'escape'), encode(header, 'escape'), encode(envelope, 'escape'), encode(state, 'escape')), '') as text from smtp.mail as mail`,
  )
  const [name = ''] = await files()
  const file = await readFile(join(fixture.spoolDir, name), 'latin1')
  expect(`${dump?.text ?? ''}${file}`).not.toMatch(/c4n4ry|Subject|example/)
})

test('a draft that is given up leaves nothing, and cannot be accepted', async () => {
  await open()
  const draft = await fill(store.draft(), randomBytes(1_000_000))
  expect(await files()).toHaveLength(1)
  await draft[Symbol.asyncDispose]()
  expect(await files()).toEqual([])
  await expect(store.accept({ ...(await newMail(store)), draft })).rejects.toMatchObject({
    code: 'QUEUE_CLOSED',
  })
  expect(await rows()).toBe(0)
})

test('what became of the recipients survives a restart; without a word, one attempt may have begun', async () => {
  await open()
  const { kept } = await store.accept(await newMail(store))
  await reopen()
  expect(store.find(kept.id)?.state.recipients).toMatchObject([{ done: false, attempts: 1 }])
  const mail = store.find(kept.id)
  if (mail === undefined) throw new Error('gone')
  const reply = { code: 451, status: '4.7.1', text: 'later', host: 'mx.example.com' }
  Object.assign(mail.state.recipients[0] ?? {}, { attempts: 2, nextAt: 5, reply })
  mail.state.hold = 'operator'
  await Promise.all([store.save(mail), store.save(mail)])
  await reopen()
  expect(store.find(kept.id)?.state).toEqual({
    hold: 'operator',
    recipients: [{ done: false, attempts: 2, nextAt: 5, delayTold: false, reply }],
  })
})

test('at the start rows without a key, keys without a row and files without a row go', async () => {
  await open()
  const { kept: shredded } = await store.accept(await newMail(store, randomBytes(300_000)))
  const { kept: lost } = await store.accept(await newMail(store))
  const { kept: stays } = await store.accept(await newMail(store, randomBytes(300_000)))
  await fixture.db.execute(sql`delete from smtp.mail where id = ${lost.id}::uuid`)
  const [copy] = await fixture.db.query<{ row: string }>(
    sql`select row_to_json(mail)::text as row from smtp.mail where id = ${shredded.id}::uuid`,
  )
  store.shred(shredded)
  await store.collect()
  await fixture.db.execute(
    sql`insert into smtp.mail select * from json_populate_record(null::smtp.mail, ${copy?.row ?? ''}::json)`,
  )
  await writeFile(join(fixture.spoolDir, randomUUID()), 'left by a crash')
  await reopen()
  expect([...store.all()].map(({ id }) => id)).toEqual([stays.id])
  expect([await rows(), await files()]).toEqual([1, [stays.spool]])
})

test('a file that lost its end is not passed off as a mail', async () => {
  await open()
  const { kept, content } = await store.accept(await newMail(store, randomBytes(65_536 * 6)))
  expect(await bytesOf(content)).toHaveLength(65_536 * 6)
  await truncate(join(fixture.spoolDir, kept.spool ?? ''), (65_536 + 16) * 4)
  await expect(bytesOf((await store.open(kept))?.content)).rejects.toThrow('not whole')
})

test('many at once share statements; each is kept', async () => {
  await open()
  const mails = await Promise.all(
    Array.from({ length: 200 }, (_, index) => newMail(store, `mail ${String(index)}`)),
  )
  const accepted = await Promise.all(mails.map((mail) => store.accept(mail)))
  expect(new Set(accepted.map(({ kept }) => kept.id)).size).toBe(200)
  await reopen()
  const bodies = await Promise.all(
    [...store.all()].map(async (mail) => (await bytesOf((await store.open(mail))?.content)).toString()),
  )
  expect(bodies.toSorted()).toEqual(
    Array.from({ length: 200 }, (_, index) => `mail ${String(index)}`).toSorted(),
  )
})

test('no more than it may: QUEUE_FULL, and room again when one is gone', async () => {
  await open({ mailsMax: 1 })
  const { kept } = await store.accept(await newMail(store))
  await expect(store.accept(await newMail(store))).rejects.toMatchObject({ code: 'QUEUE_FULL' })
  store.shred(kept)
  await store.accept(await newMail(store))
})

test('a full store still brings its mails into mailboxes, and tells what became of them', async () => {
  await open({ mailsMax: 2 })
  for (let each = 0; each < 2; each++) await store.accept(await newMail(store))
  const account = systemRandom.uuid()
  await store.accept(await newMail(store, 'for a mailbox', { account, place: 'mailbox', recipients: [] }))
  await expect(store.accept(await newMail(store))).rejects.toMatchObject({ code: 'QUEUE_FULL' })
  for (const kept of store.ofAccount(account, 'mailbox')) store.shred(kept)
  await store.accept(await newMail(store, 'a report', { isReport: true }))
  await expect(store.accept(await newMail(store, 'a report', { isReport: true }))).rejects.toMatchObject({
    code: 'QUEUE_FULL',
  })
})

test('when the database does not take it nothing is kept', async () => {
  await open()
  await fixture.db.execute(sql`alter table smtp.mail add constraint away check (seq < 0) not valid`)
  await expect(store.accept(await newMail(store, randomBytes(300_000)))).rejects.toMatchObject({
    code: 'QUEUE_UNAVAILABLE',
  })
  await fixture.db.execute(sql`alter table smtp.mail drop constraint away`)
  await store.collect()
  expect([store.size, await files()]).toEqual([0, []])
})

test('what was kept for its time is unreadable, and that is told', async () => {
  const expired: string[] = []
  await open({ onExpired: ({ id }) => void expired.push(id) })
  const account = systemRandom.uuid()
  const { kept } = await store.accept({
    ...(await newMail(store)),
    account,
    place: 'mailbox',
    keepSeconds: 0,
  })
  expect(store.ofAccount(account, 'mailbox')).toEqual([kept])
  await store.expire()
  expect([expired, store.ofAccount(account, 'mailbox'), store.size]).toEqual([[kept.id], [], 0])
})

test('a second owner fences the first: it keeps and records nothing any more', async () => {
  let fenced = 0
  await open({ onFenced: () => (fenced += 1) })
  const { kept } = await store.accept(await newMail(store))
  await fixture.db.execute(sql`update smtp.keyring_lease set epoch = epoch + 1`)
  await expect(store.accept(await newMail(store))).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' })
  await expect(store.save(kept)).rejects.toMatchObject({ code: 'QUEUE_CLOSED' })
  expect([fenced, store.available]).toEqual([1, false])
})

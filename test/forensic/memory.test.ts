/**
 * What is left in the memory of a relay when everything was delivered: the keys that stood in its keyring file and were destroyed there are looked for in all memory of its
 * process, as bytes and as text, which needs root, since nobody else reads another's memory. Of text that JavaScript had, a heap snapshot says whether anything still holds it.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openDb, sql } from '@sealpost/db'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openBlob } from '../../packages/forensics/src/formats.ts'
import { createTestDatabase } from '../database.ts'
import { MailScene } from '../faults/mail-scene.ts'
import { StandingServer } from '../faults/standing-server.ts'
import { countInMemory } from './process-memory.ts'
import { RelayProcess } from '../faults/relay-process.ts'
import { NOTHING_KEPT, Scene, temporaryDirectory } from '../faults/scene.ts'
import { isWhole, longTest } from '../long-test.ts'
import { TestClient } from '../../services/xmpp/test/client.ts'

const MESSAGES = 40
/** Of mails: some have bodies that lie in the spool. */
const LONG_EVERY = 8
const LONG_BYTES = 300_000
const HEADER_BYTES = 4_096
const SLOT_BYTES = 64
const KEY = { begin: 16, end: 48 }
const KIND_AT = 56
const QUEUE_KIND = 0x80
const DESK = { name: 'desk', modern: false }
const isRoot = process.getuid?.() === 0

/** Of all messages that wait, by the id of the row in hex. */
async function keysById(keyring: string): Promise<Map<string, Buffer>> {
  const slots = (await readFile(keyring)).subarray(HEADER_BYTES)
  const keys = new Map<string, Buffer>()
  for (let at = 0; at < slots.length; at += SLOT_BYTES) {
    const slot = Buffer.from(slots.subarray(at, at + SLOT_BYTES))
    const kind = slot[KIND_AT]
    if (kind !== 0 && kind !== QUEUE_KIND)
      keys.set(slot.toString('hex', 0, KEY.begin), slot.subarray(KEY.begin, KEY.end))
  }
  return keys
}

const keysIn = async (keyring: string): Promise<Buffer[]> => [...(await keysById(keyring)).values()]

interface MailRow {
  readonly id: string
  readonly handle: string
  readonly seq: string
  readonly key: Buffer
}

/** With which envelopes, headers and bodies of mails are encrypted: what the keys of the keyring open. */
async function contentKeysIn(databaseUrl: string, keyring: string): Promise<Buffer[]> {
  const keys = await keysById(keyring)
  await using db = await openDb({ url: databaseUrl, role: 'sealpost_smtp' })
  const rows = await db.query<MailRow>(
    sql`select id, queue_handle as handle, seq::text as seq, key from smtp.mail`,
  )
  const bytesOf = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex')
  return rows.flatMap(({ id, handle, seq, key: blob }) => {
    const place = { id: bytesOf(id), handle: bytesOf(handle), seq: BigInt(seq) }
    const key = keys.get(place.id.toString('hex'))
    return (key && openBlob(key, place, blob)) ?? []
  })
}

/** As they are, and as programs write them down. */
const forms = (keys: readonly Buffer[]): Buffer[] =>
  keys.flatMap((key) => [key, Buffer.from(key.toString('hex')), Buffer.from(key.toString('base64'))])

/** Within seconds: what native code holds goes with the next collection, which the keyring asks for. */
const expectForgotten = (pid: number, keys: readonly Buffer[]): Promise<void> =>
  expect.poll(() => countInMemory(pid, forms(keys)), { timeout: 90_000, interval: 1_000 }).toBe(0)

test.skipIf(!isRoot || !isWhole)(
  'a relay that has delivered everything remembers none of the keys',
  async () => {
    await using scene = await Scene.set({ writer: [DESK], reader: [DESK] })
    await using relay = new RelayProcess(scene.where)
    await relay.start()
    const signIn = async (username: string): Promise<TestClient> => {
      const client = await TestClient.signIn({
        port: relay.port,
        direct: true,
        username,
        password: 'secret',
        resource: 'desk',
      })
      await client.enableStreamManagement()
      client.sends('<presence/>')
      return client
    }
    await (await signIn('reader')).close()
    const writer = await signIn('writer')
    for (let index = 0; index < MESSAGES; index++)
      writer.sends(
        `<message to='reader@localhost' type='chat' id='m${String(index)}'><encrypted xmlns='eu.siacs.conversations.axolotl'>` +
          `<header sid='1'><key rid='2'>${'QUFB'.repeat(12)}</key><iv>AAAAAAAAAAAAAAAA</iv></header><payload>QUFB</payload></encrypted></message>`,
      )
    await writer.safeUpTo(MESSAGES + 1)
    await writer.close()
    const keys = await keysIn(`${scene.where.dataDir}/keyring/keyring.slots`)
    expect(keys.length).toBe(MESSAGES)
    expect(await countInMemory(relay.pid, keys)).toBe(MESSAGES)

    const reader = await signIn('reader')
    for (let index = 0; index < MESSAGES; index++) await reader.message()
    await reader.ping()
    await expect.poll(() => scene.kept()).toEqual(NOTHING_KEPT)
    await expectForgotten(relay.pid, keys)
  },
)

/** What V8 keeps alive, as it writes it down at a signal. */
async function heapSnapshot(pid: number, directory: string): Promise<string> {
  process.kill(pid, 'SIGUSR2')
  const written = async (): Promise<string> => {
    const [name] = await readdir(directory)
    const text = name === undefined ? '' : await readFile(join(directory, name), 'utf8')
    return text.trimEnd().endsWith('}') ? text : ''
  }
  let text = ''
  await expect.poll(async () => (text = await written()).length, { timeout: 60_000 }).toBeGreaterThan(0)
  for (const name of await readdir(directory)) await rm(join(directory, name))
  return text
}

longTest(
  'a heap snapshot of a relay has a message that is on its way, nothing of it when it is delivered, and no key of what was',
  async () => {
    const { path, ...directory } = await temporaryDirectory()
    onTestFinished(() => directory[Symbol.asyncDispose]())
    vi.stubEnv('NODE_OPTIONS', `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${path}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    await using scene = await Scene.set({ writer: [DESK], reader: [DESK] })
    await using relay = new RelayProcess(scene.where)
    await relay.start()
    const signIn = async (username: string): Promise<TestClient> => {
      const credentials = { username, password: 'secret', resource: 'desk' }
      const client = await TestClient.signIn({ port: relay.port, direct: true, ...credentials })
      client.acknowledging = false
      await client.enableStreamManagement()
      client.sends('<presence/>')
      return client
    }
    const [reader, writer] = [await signIn('reader'), await signIn('writer')]
    const payload = Buffer.from('canary of the heap').toString('base64')
    const send = (id: string, text: string): void =>
      writer.sends(
        `<message to='reader@localhost' type='chat' id='${id}'><encrypted xmlns='eu.siacs.conversations.axolotl'>` +
          `<header sid='1'><key rid='2'>${'QUFB'.repeat(12)}</key><iv>AAAAAAAAAAAAAAAA</iv></header><payload>${text}</payload></encrypted></message>`,
      )
    send('id-of-the-canary', payload)
    await reader.message()
    const held = await heapSnapshot(relay.pid, path)
    expect([payload, 'id-of-the-canary'].filter((text) => held.includes(text))).not.toEqual([])

    reader.acknowledge(reader.received)
    await reader.serverCounter()
    for (let index = 0; index < 5; index++) {
      send(`next${String(index)}`, 'QUFB')
      await reader.message()
      reader.acknowledge(reader.received)
      await reader.serverCounter()
    }
    await writer.safeUpTo(7)
    await expect.poll(() => scene.kept()).toEqual(NOTHING_KEPT)
    const after = await heapSnapshot(relay.pid, path)
    expect([payload, 'id-of-the-canary'].filter((text) => after.includes(text))).toEqual([])

    // What waits is sealed: its keys.
    await reader.close()
    for (let index = 0; index < MESSAGES; index++) send(`away${String(index)}`, 'QUFB')
    await writer.safeUpTo(7 + MESSAGES)
    const keys = await keysIn(`${scene.where.dataDir}/keyring/keyring.slots`)
    expect(keys.length).toBe(MESSAGES)
    const back = await signIn('reader')
    for (let index = 0; index < MESSAGES; index++) await back.message()
    back.acknowledge(back.received)
    await expect.poll(() => scene.kept()).toEqual(NOTHING_KEPT)
    const drained = await heapSnapshot(relay.pid, path)
    expect(drained).toContain('reader')
    expect(keysShown(drained, keys)).toBe(0)
  },
)

/** How many of the keys stand in a string of the snapshot. */
function keysShown(snapshot: string, keys: readonly Buffer[]): number {
  const text = (JSON.parse(snapshot) as { strings: string[] }).strings.join('\n')
  return keys.filter((key) =>
    (['hex', 'base64', 'base64url', 'latin1'] as const).some((form) => text.includes(key.toString(form))),
  ).length
}

test.skipIf(!isRoot || !isWhole)(
  'a mail relay that has delivered everything remembers none of the keys, of the mails or of their bodies',
  async () => {
    await using server = await StandingServer.open()
    await using database = await createTestDatabase()
    await using scene = await MailScene.set({
      people: [],
      settings: { SMTP_ROUTES: `example.com=${server.place}` },
      databaseUrl: database.url,
    })
    let isTaking = false
    server.refuse = () => (isTaking ? undefined : { code: 451, text: '4.3.0 later' })
    for (let index = 0; index < MESSAGES; index++)
      expect(
        await scene.submit(
          scene.letter(`m${String(index)}@example.com`, index % LONG_EVERY === 0 ? LONG_BYTES : 200),
        ),
      ).toBe(true)
    const keys = [...(await keysIn(scene.keyring)), ...(await contentKeysIn(database.url, scene.keyring))]
    expect(keys.length).toBe(2 * MESSAGES)
    expect(await countInMemory(scene.relay.pid, keys)).toBe(2 * MESSAGES)

    isTaking = true
    await scene.settled(60_000)
    await expect.poll(() => keysIn(scene.keyring)).toEqual([])
    await expectForgotten(scene.relay.pid, keys)
  },
)

/**
 * `kill -9` of the mail relay at each step of a mail's way: what was accepted is delivered, queued or bounced, and comes twice only where it must. WHOLE=1 takes all
 * steps (docs/faults.md).
 */
import { watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { decrypt, generateKey, type PrivateKey, readMessage } from 'openpgp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MailScene, type Letter } from './mail-scene.ts'
import type { Moment } from './postgres-gate.ts'
import { StandingServer } from './standing-server.ts'

/** In a file of the spool. */
const LARGE = 300_000
/** Goes to a file while it comes in; what is smaller, at its end. */
const STREAMED = 3 * 1024 * 1024
/** So large that encrypting it takes a while. */
const LONG = 24 * 1024 * 1024
const PATIENCE_MS = 20_000
const isWhole = process.env['WHOLE'] !== undefined

const stack = new AsyncDisposableStack()
let scene: MailScene
let remote: StandingServer
let other: StandingServer
let lmtp: StandingServer
let directory: KeyDirectory
/** later@example.com is refused before. */
let isLater = true

beforeAll(async () => {
  remote = stack.use(await StandingServer.open())
  remote.refuse = (address) => {
    if (address.startsWith('no@')) return { code: 550, text: '5.1.1 no' }
    return address.startsWith('later@') && !isLater ? { code: 451, text: '4.3.0 later' } : undefined
  }
  other = stack.use(await StandingServer.open())
  lmtp = stack.use(await StandingServer.open({ lmtp: true }))
  directory = stack.use(await KeyDirectory.open())
  const settings = {
    SMTP_ROUTES: `example.com=${remote.place},example.net=${other.place}`,
    KEYS_URL: directory.url,
  }
  scene = stack.use(await MailScene.set({ people: ['bob', 'carol'], settings }))
  const chosen = JSON.stringify({ pgp: 'on-arrival' })
  await scene.api('carol', '/v1/me/mail-settings', { method: 'PUT', body: chosen })
})
afterAll(() => stack.disposeAsync())

/** Brings a letter to a step of its way, where it stands when it resolves. The answer looks for it after the kill. */
type Step = () => Promise<() => Promise<void>>

/** How often it came where. */
async function fateOf({ id }: Letter): Promise<Record<string, number>> {
  await scene.settled()
  const places = {
    'example.com': remote.mails,
    'example.net': other.mails,
    lmtp: lmtp.mails,
    bob: await scene.read('bob'),
    bounced: await scene.read('ann'),
  }
  const found = Object.entries(places).map(([place, mails]) => [
    place,
    mails.filter((mail) => mail.includes(`Subject: ${id}\r\n`)).length,
  ])
  return Object.fromEntries(found.filter(([, count]) => count !== 0)) as Record<string, number>
}

/** A step at which `reached` resolves; `newKeys` are on disk then, too. */
function step(
  make: () => { letter: Letter; reached: Promise<unknown>; newKeys?: number },
  { told, fate }: { told: boolean; fate: Record<string, number> },
): Step {
  return async () => {
    const before = await scene.keys()
    const { letter, reached, newKeys } = make()
    const submitted = scene.submit(letter)
    await reached
    if (newKeys !== undefined) await expect.poll(() => scene.keys(), { interval: 5 }).toBe(before + newKeys)
    return async () => {
      expect(await submitted).toBe(told)
      expect(await fateOf(letter)).toEqual(fate)
    }
  }
}

const toRemote = (bytes?: number): Letter => scene.letter('ann@example.com', bytes)
const toBoth = (): Letter => scene.letter(['ann@example.com', 'ann@example.net'])
const inserting = (moment: Moment, passing = 0) => scene.gate.hold('mail_insert', moment, passing)

const STEPS = {
  'its body comes in': async () => {
    const appeared = fileIn(scene.spoolDir)
    const client = await scene.begin(toRemote(STREAMED))
    await appeared
    return async () => {
      client[Symbol.dispose]()
      expect(await scene.spooled()).toEqual([])
    }
  },
  'its draft is synced, its row not committed': step(
    () => ({ letter: toRemote(LARGE), reached: inserting('asked') }),
    { told: false, fate: {} },
  ),
  'it is committed, and 250 not said': step(
    () => ({ letter: toRemote(LARGE), reached: inserting('answered'), newKeys: 1 }),
    { told: false, fate: { 'example.com': 1 } },
  ),
  'it is accepted, and the remote server has not greeted': step(
    () => ({ letter: scene.letter('ann@example.net'), reached: other.stand('greeting') }),
    { told: true, fate: { 'example.net': 1 } },
  ),
  'the remote server reads it': step(() => ({ letter: toRemote(LARGE), reached: remote.stand('body') }), {
    told: true,
    fate: { 'example.com': 1 },
  }),
  // Nobody can know whether it had it (RFC 1047).
  'the remote server has it, and its answer is lost': step(
    () => ({ letter: toRemote(), reached: remote.stand('answer') }),
    { told: true, fate: { 'example.com': 2 } },
  ),
  'one of two servers has it, which is not recorded': step(
    () => {
      const reached = Promise.all([other.stand('body'), scene.gate.hold('mail_save', 'asked')])
      return { letter: toBoth(), reached }
    },
    { told: true, fate: { 'example.com': 2, 'example.net': 1 } },
  ),
  'one of two servers has it, which is recorded': step(
    () => {
      const reached = Promise.all([other.stand('body'), scene.gate.hold('mail_save', 'answered')])
      return { letter: toBoth(), reached }
    },
    { told: true, fate: { 'example.com': 1, 'example.net': 1 } },
  ),
  'its second attempt is recorded, and not made': async () => {
    isLater = false
    const letter = scene.letter('later@example.com')
    const deferred = scene.gate.passed('mail_save')
    expect(await scene.submit(letter)).toBe(true)
    await deferred
    const before = await scene.operations()
    const [{ id } = { id: '' }] = await before.queued(1)
    const held = scene.gate.hold('mail_save', 'answered', 1) // the first is the order to try it
    await before.change(id, 'retry')
    await held
    return async () => {
      const after = await scene.operations()
      const [recipient] = (await after.find(id))?.recipients ?? []
      expect(recipient?.attempts).toBe(2)
      expect(recipient?.nextAt).toBeGreaterThan(Date.now() + 30_000)
      isLater = true
      await after.change(id, 'retry')
      expect(await fateOf(letter)).toEqual({ 'example.com': 1 })
    }
  },
  'its key is destroyed, its row still there': step(
    () => ({ letter: toRemote(LARGE), reached: scene.gate.hold('mail_delete', 'asked') }),
    { told: true, fate: { 'example.com': 1 } },
  ),
  'the report of its refusal is not committed': step(
    () => ({ letter: scene.letter('no@example.com'), reached: inserting('asked', 1) }),
    { told: true, fate: { bounced: 1 } },
  ),
  // Better told twice than never.
  'the report of its refusal is committed, the mail still there': step(
    () => ({ letter: scene.letter('no@example.com'), reached: inserting('answered', 1), newKeys: 2 }),
    { told: true, fate: { bounced: 2 } },
  ),
  'what is sealed for its owner is not committed': step(
    () => ({ letter: scene.letter('bob@localhost'), reached: inserting('asked', 1) }),
    { told: true, fate: { bob: 1 } },
  ),
  'what is sealed for its owner is committed, the mail still there': step(
    () => ({ letter: scene.letter('bob@localhost'), reached: inserting('answered', 1), newKeys: 2 }),
    { told: true, fate: { bob: 1 } },
  ),
  'its owner has acknowledged it, its row still there': async () => {
    const letter = scene.letter('bob@localhost', LARGE)
    await scene.submit(letter)
    await expect.poll(() => scene.idsIn('bob')).toHaveLength(1)
    const [id = ''] = await scene.idsIn('bob')
    await expect.poll(() => scene.spooled()).toHaveLength(1)
    const held = scene.gate.hold('mail_delete', 'asked')
    expect((await scene.api('bob', `/v1/mail/${id}`, { method: 'DELETE' })).status).toBe(204)
    await held
    return async () => expect(await fateOf(letter)).toEqual({})
  },
  'the key to encrypt it to is asked for': async () => {
    const asked = directory.stand(1) // the port asks whether there is one
    const letter = scene.letter('carol@localhost')
    const submitted = scene.submit(letter)
    await asked
    return async () => {
      expect(await submitted).toBe(true)
      expect(await decrypted(letter)).toBe(1)
    }
  },
  'it is being encrypted': async () => {
    const letter = scene.letter('carol@localhost', LONG)
    const accepted = fileIn(scene.spoolDir)
    const submitted = scene.submit(letter)
    const whole = await accepted
    const part = await fileIn(scene.spoolDir)
    scene.relay.freeze()
    expect(await bytesOf(part)).toBeLessThan(await bytesOf(whole))
    return async () => {
      expect(await submitted).toBe(true)
      expect(await scene.spooled()).not.toContain(part)
      expect(await decrypted(letter)).toBe(1)
    }
  },
} satisfies Record<string, Step>

/** Several letters stand at their steps when the relay is killed; a statement that is held holds up those that come after it. */
const KILLS: readonly (readonly (keyof typeof STEPS)[])[] = [
  [
    'its body comes in',
    'it is accepted, and the remote server has not greeted',
    'its draft is synced, its row not committed',
  ],
  [
    'the remote server reads it',
    'one of two servers has it, which is not recorded',
    'it is committed, and 250 not said',
  ],
  ['its owner has acknowledged it, its row still there', 'what is sealed for its owner is not committed'],
]

/** With WHOLE=1 only. */
const MORE_KILLS: typeof KILLS = [
  [
    'the remote server has it, and its answer is lost',
    'one of two servers has it, which is recorded',
    'the report of its refusal is not committed',
  ],
  [
    'its second attempt is recorded, and not made',
    'its key is destroyed, its row still there',
    'the report of its refusal is committed, the mail still there',
  ],
  [
    'the key to encrypt it to is asked for',
    'what is sealed for its owner is committed, the mail still there',
  ],
  ['it is being encrypted'],
]

test('every step has its kill', () => {
  expect([...KILLS, ...MORE_KILLS].flat().toSorted()).toEqual(Object.keys(STEPS).toSorted())
})

test.each([...KILLS, ...(isWhole ? MORE_KILLS : [])].map((names) => [names.join('; '), names] as const))(
  'killed when: %s',
  { timeout: PATIENCE_MS },
  async (_title, names) => {
    const checks = []
    for (const name of names) checks.push(await STEPS[name]())
    await scene.killAndRestart()
    for (const check of checks) await check()
  },
)

test.runIf(isWhole)(
  'killed when: the mailbox server has it, and its answer is lost',
  { timeout: PATIENCE_MS },
  async () => {
    await scene.killAndRestart({ MAILBOX_LMTP: lmtp.place })
    const standing = lmtp.stand('answer')
    const letter = scene.letter('bob@localhost')
    const submitted = scene.submit(letter)
    await standing
    await scene.killAndRestart({ MAILBOX_LMTP: lmtp.place })
    expect(await submitted).toBe(true)
    expect(await fateOf(letter)).toEqual({ lmtp: 2 })
  },
)

test('nothing is left once everybody has acknowledged what came', async () => {
  for (const name of ['ann', 'bob', 'carol'])
    for (const id of await scene.idsIn(name))
      expect((await scene.api(name, `/v1/mail/${id}`, { method: 'DELETE' })).status).toBe(204)
  const left = async () => ({ files: await scene.spooled(), keys: await scene.keys() })
  await expect.poll(left).toEqual({ files: [], keys: 0 })
})

/** How often it came, each time encrypted to Carol and to be read by her. */
async function decrypted({ id, data }: Letter): Promise<number> {
  await scene.settled()
  const body = Buffer.from(data.slice(data.indexOf('\r\n\r\n')))
  const texts: Buffer[] = []
  for (const mail of await scene.read('carol')) {
    expect(mail.includes(`Subject: ${id}`)).toBe(false)
    const message = await readMessage({ armoredMessage: mail.slice(mail.indexOf('-----BEGIN')) })
    const decryptionKeys = directory.privateKey
    const opened: { data: unknown } = await decrypt({ message, decryptionKeys, format: 'binary' })
    texts.push(Buffer.from(opened.data as Uint8Array))
  }
  const mine = texts.filter((text) => text.includes(`Subject: ${id}\r\n`))
  expect(mine.filter((text) => !text.subarray(-body.length).equals(body))).toEqual([])
  return mine.length
}

/** The name of the next file that appears there. */
function fileIn(path: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const watching = watch(path, (event, name) => {
    if (event !== 'rename' || name === null) return
    watching.close()
    resolve(name)
  })
  return promise
}

async function bytesOf(name: string): Promise<number> {
  return (await stat(join(scene.spoolDir, name))).size
}

/** Carol's key is published here, and nobody else's. */
class KeyDirectory implements AsyncDisposable {
  readonly privateKey: PrivateKey
  readonly #server: Server
  #stands: { passing: number; readonly reached: () => void } | undefined

  private constructor(privateKey: PrivateKey) {
    this.privateKey = privateKey
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  static async open(): Promise<KeyDirectory> {
    const userIDs = [{ email: 'carol@localhost' }]
    const date = new Date(Date.now() - 60_000)
    const { privateKey } = await generateKey({ type: 'curve25519', userIDs, date, format: 'object' })
    const opened = new KeyDirectory(privateKey)
    await once(opened.#server.listen(0, '127.0.0.1'), 'listening')
    return opened
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`
  }

  /** Resolves when it is asked, after so many questions that pass; this one gets no answer. */
  stand(passing: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#stands = { passing, reached: resolve }
    return promise
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { address } = (await json(request)) as { address: string }
    if (this.#stands?.passing === 0) {
      this.#stands.reached()
      this.#stands = undefined
      return
    }
    if (this.#stands !== undefined) this.#stands.passing -= 1
    const certificate = address === 'carol@localhost' ? Buffer.from(this.privateKey.toPublic().write()) : null
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ certificate: certificate?.toString('base64') ?? null }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

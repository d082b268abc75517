/** The API over real sockets and a real Postgres, for tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { createProcessBus, type Bus } from '@sealpost/bus'
import { parseNetworks } from '@sealpost/config'
import { Secret } from '@sealpost/config'
import { createHttp } from '@sealpost/http'
import { createLog } from '@sealpost/log'
import { createMetrics, type Metrics } from '@sealpost/metrics'
import {
  type ChatImport,
  type DkimKeyListing,
  type DirectoryKey,
  type DkimOperations,
  type KeyOperations,
  type KeySearch,
  type DeskMail,
  type DeskText,
  type Announcement,
  type MailDesk,
  type KeysOwnData,
  type MailOwnData,
  type MailReports,
  type OwnDataPorts,
  type ReportedDay,
  type Mail,
  type MailChange,
  MailError,
  type MailOperations,
  type OutgoingMail,
  PortError,
  type ImportedChat,
  type NewRelayDevice,
  type QueuedMail,
  type Relay,
  type RelayDevice,
  type RelayOwnData,
  type RelayQueue,
  type SelfAudits,
  type SelfAuditState,
} from '@sealpost/ports'
import { createClock, systemRandom, type Clock } from '@sealpost/runtime'
import type { Platform } from '@sealpost/service'
import { createMigratedDatabase } from '../../../test/database.ts'
import type { ApiConfig } from '../src/config.ts'
import { createApiService, type ApiService } from '../src/service.ts'

/** A mail relay whose queue is what a test tells it. */
export class TestMail implements MailOperations {
  away = false
  waiting: readonly QueuedMail[] = []
  changes: [string, MailChange][] = []

  async queued(): Promise<readonly QueuedMail[]> {
    if (this.away) throw new PortError('PORT_UNREACHABLE')
    return this.waiting
  }

  async find(id: string): Promise<QueuedMail | undefined> {
    return (await this.queued()).find((mail) => mail.id === id)
  }

  async change(id: string, change: MailChange): Promise<boolean> {
    if ((await this.find(id)) === undefined) return false
    this.changes.push([id, change])
    return true
  }
}

/** A mail relay that takes letters of the server. */
export class TestLetters implements Mail {
  away = false
  readonly sent: OutgoingMail[] = []

  async send(mail: OutgoingMail): Promise<void> {
    if (this.away) throw new MailError('MAIL_DEFERRED')
    this.sent.push(mail)
  }
}

/** A mail relay whose keys for signing are what a test tells it. */
export class TestDkim implements DkimOperations {
  keys: readonly DkimKeyListing[] = []
  readonly rotated: string[] = []

  list(): Promise<readonly DkimKeyListing[]> {
    return Promise.resolve(this.keys)
  }

  rotate(domain: string): Promise<readonly DkimKeyListing[]> {
    this.rotated.push(domain)
    return this.list()
  }
}

/** A key directory that knows what a test tells it. */
export class TestKeys implements KeyOperations {
  known: readonly DirectoryKey[] = []
  readonly asked: KeySearch[] = []
  readonly changed: [fingerprint: string, change: 'remove' | 'readmit'][] = []

  find(search: KeySearch): Promise<readonly DirectoryKey[]> {
    this.asked.push(search)
    return Promise.resolve(this.known)
  }

  remove(fingerprint: string): Promise<boolean> {
    this.changed.push([fingerprint, 'remove'])
    return Promise.resolve(this.known.some((key) => key.fingerprint === fingerprint))
  }

  readmit(fingerprint: string): Promise<void> {
    this.changed.push([fingerprint, 'readmit'])
    return Promise.resolve()
  }
}

/** What a test says that others reported. */
export class TestReports implements MailReports {
  items: readonly ReportedDay[] = []
  readonly asked: [days: number, domain: string | undefined][] = []

  reported(days: number, domain?: string): Promise<readonly ReportedDay[]> {
    this.asked.push([days, domain])
    return Promise.resolve(this.items)
  }
}

/** A service whose self-audit is as a test says. */
export class TestSelfAudits implements SelfAudits {
  away = false
  now: SelfAuditState = { possible: true, running: false, last: undefined }
  begun = 0

  state(): Promise<SelfAuditState> {
    return this.away ? Promise.reject(new PortError('PORT_UNREACHABLE')) : Promise.resolve(this.now)
  }

  async begin(): Promise<boolean> {
    const { possible, running } = await this.state()
    if (!possible || running) return false
    this.begun += 1
    this.now = { ...this.now, running: true }
    return true
  }
}

/** A desk with the mails that a test puts there. */
export class TestDesk implements MailDesk {
  mails: readonly (DeskMail & { readonly text: string })[] = []
  asked: (string | undefined)[] = []
  readonly blocked: string[] = []

  list(after?: string): Promise<readonly DeskMail[]> {
    this.asked.push(after)
    const begin = after === undefined ? 0 : this.mails.findIndex(({ id }) => id === after) + 1
    return Promise.resolve(this.mails.slice(begin))
  }

  read(id: string, from: number): Promise<DeskText | undefined> {
    const mail = this.mails.find((each) => each.id === id)
    return Promise.resolve(
      mail && { ...mail, text: mail.text.slice(from), next: from === 0 ? mail.text.length : undefined },
    )
  }

  block(domain: string): Promise<void> {
    this.blocked.push(domain)
    return Promise.resolve()
  }

  done(id: string): Promise<boolean> {
    const before = this.mails.length
    this.mails = this.mails.filter((mail) => mail.id !== id)
    return Promise.resolve(this.mails.length < before)
  }
}

/** What a test says that the services hold of accounts. */
export class TestOwnData {
  away = false
  chat: RelayOwnData = {
    devices: [],
    queues: [],
    contacts: [],
    blocked: [],
    groups: [],
    nodes: [],
    subscriptions: [],
    elements: [],
    files: [],
    contactInvites: [],
  }
  certificates: KeysOwnData = { certificates: [], pending: [] }
  mails: MailOwnData = {
    outgoing: { mails: 0, bytes: 0 },
    waiting: { mails: 0, bytes: 0 },
    pgp: undefined,
    onMissingKey: undefined,
    lists: [],
  }

  readonly ports: OwnDataPorts = {
    relay: { ownData: () => this.#answer(this.chat) },
    keys: { ownData: () => this.#answer(this.certificates) },
    mail: { ownData: () => this.#answer(this.mails) },
  }

  #answer<T>(data: T): Promise<T> {
    return this.away ? Promise.reject(new PortError('PORT_UNREACHABLE')) : Promise.resolve(data)
  }
}

/** A relay that takes what is imported. */
export class TestChatImport implements ChatImport {
  away = false
  readonly taken: [accountId: string, parts: readonly string[]][] = []

  async importChat(accountId: string, parts: readonly string[]): Promise<ImportedChat> {
    if (this.away) throw new PortError('PORT_UNREACHABLE')
    this.taken.push([accountId, parts])
    return { contacts: parts.length, items: 0, elements: 0, refused: 0 }
  }
}

/** A relay that knows what a test tells it. */
export class TestRelay implements Relay {
  away = false
  readonly known = new Map<string, RelayDevice[]>()
  readonly waiting = new Map<string, RelayQueue[]>()
  readonly announced: Announcement[] = []
  /** `ID-OF-ACCOUNT TYPE` of each that was said. */
  readonly types = new Set<string>()
  readonly signedOut: string[] = []

  async announce(announcement: Announcement): Promise<number> {
    this.#check()
    this.announced.push(announcement)
    return 0
  }

  async devices(accountId: string): Promise<RelayDevice[]> {
    this.#check()
    return this.known.get(accountId) ?? []
  }

  async bindDevice(
    accountId: string,
    { installation: id, type, hardwareId, label }: NewRelayDevice,
  ): Promise<string> {
    const devices = (await this.devices(accountId)).filter((device) => device.id !== id)
    const flags = { registered: true, waiting: 0, overrun: false }
    const said = { label, typed: type !== undefined, bound: hardwareId !== undefined }
    this.known.set(accountId, [
      ...devices,
      { id, createdOn: '2026-03-01', lastSeenOn: '2026-03-02', ...flags, ...said },
    ])
    if (type !== undefined) this.types.add(`${accountId} ${type}`)
    return id
  }

  async renameDevice(accountId: string, deviceId: string, label: string | undefined): Promise<boolean> {
    const devices = await this.devices(accountId)
    this.known.set(
      accountId,
      devices.map((device) => (device.id === deviceId ? { ...device, label } : device)),
    )
    return devices.some(({ id }) => id === deviceId)
  }

  async signOutDevice(accountId: string, deviceId: string): Promise<boolean> {
    const known = (await this.devices(accountId)).some(({ id }) => id === deviceId)
    if (known) this.signedOut.push(deviceId)
    return known
  }

  async hasDeviceType(accountId: string, type: string): Promise<boolean> {
    this.#check()
    return this.types.has(`${accountId} ${type}`)
  }

  async revokeDevice(accountId: string, deviceId: string): Promise<boolean> {
    this.#check()
    const devices = this.known.get(accountId) ?? []
    const kept = devices.filter(({ id }) => id !== deviceId)
    this.known.set(accountId, kept)
    return kept.length < devices.length
  }

  async queues(accountId: string): Promise<RelayQueue[]> {
    this.#check()
    return this.waiting.get(accountId) ?? []
  }

  #check(): void {
    if (this.away) throw new PortError('PORT_UNREACHABLE')
  }
}

export interface TestApi extends AsyncDisposable {
  readonly service: ApiService
  readonly relay: TestRelay
  readonly mail: TestMail
  readonly letters: TestLetters
  readonly dkim: TestDkim
  readonly desk: TestDesk
  readonly reports: TestReports
  readonly keys: TestKeys
  readonly ownData: TestOwnData
  readonly selfAudits: { readonly messages: TestSelfAudits; readonly mails: TestSelfAudits }
  readonly chatImport: TestChatImport
  readonly databaseUrl: string
  readonly dataDir: string
  readonly bus: Bus
  readonly metrics: Metrics
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  readonly socketPath: string
  /** Everything logged so far. */
  logged(): string
  /** A second service on the same database, as after a restart. */
  again(): Promise<ApiService>
  /** Asks over the control socket, as the owner. */
  owner(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Asks over TCP. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** A key with the scopes. */
  key(...scopes: string[]): Promise<string>
}

export interface CallOptions {
  readonly key?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The body as JSON. */
  readonly json: Record<string, unknown>
}

/** Nobody answers there, at once. */
const NO_DNS = '127.0.0.1:9'

/** With which tests sign what the billing system says. */
export const BILLING_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

export interface ApiOptions {
  /** Whether the module is on. */
  readonly affiliates?: boolean
  /** The system's unless given. */
  readonly clock?: Clock
  readonly requestsPerMinute?: number
  /** Beside the origin. */
  readonly config?: Partial<ApiConfig>
  /** To which webhooks may be sent although they are not public. */
  readonly webhookNetworks?: readonly string[]
}

export async function createTestApi(options: ApiOptions = {}): Promise<TestApi> {
  const { requestsPerMinute = 1_000_000 } = options
  await using stack = new AsyncDisposableStack()
  const dataDir = stack.adopt(await mkdtemp(join(tmpdir(), 'sealpost-api-')), (path) =>
    rm(path, { recursive: true }),
  )
  const { url: databaseUrl } = stack.use(await createMigratedDatabase())
  const output = new PassThrough()
  let logged = ''
  output.setEncoding('utf8').on('data', (text: string) => (logged += text))
  const log = createLog({ level: 'debug', destination: output })
  const metrics = createMetrics()
  const bus = stack.use(createProcessBus())
  const clock =
    options.clock ??
    createClock({
      onError: (error) => {
        throw error
      },
    })
  const platform: Platform = {
    log,
    metrics,
    bus,
    clock,
    databaseUrl,
    dataDir,
    random: systemRandom,
    tls: { current: () => ({ cert: '', key: '' }), onChange: () => ({ [Symbol.dispose]() {} }) },
    domains: ['example.org', 'example.net'],
    bind: '127.0.0.1',
  }
  const config = {
    dnsServers: [NO_DNS],
    ...options.config,
    publicOrigin: () => 'https://example.org:8443',
    webhookNetworks: parseNetworks(options.webhookNetworks ?? []) ?? { include: () => false },
    supportUrl: 'https://help.example.org/',
    affiliates: options.affiliates ?? false,
    billingSecret: Secret.of(BILLING_SECRET),
  }
  const relay = new TestRelay()
  const mail = new TestMail()
  const letters = new TestLetters()
  const dkim = new TestDkim()
  const desk = new TestDesk()
  const reports = new TestReports()
  const keys = new TestKeys()
  const ownData = new TestOwnData()
  const selfAudits = { messages: new TestSelfAudits(), mails: new TestSelfAudits() }
  const chatImport = new TestChatImport()
  const others = { mail, letters, dkim, desk, reports, keys }
  const ports = { relay, chatImport, ...others, ownData: ownData.ports, selfAudits }
  const service = stack.use(await createApiService(config, platform, ports))
  const http = stack.use(
    await createHttp({ log, metrics, title: 'Sealpost', trustProxy: true, requestsPerMinute }),
  )
  await http.app.register(service.http)
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  const socketPath = join(dataDir, 'ctl.sock')
  await http.listen({ socketPath })

  const owner: TestApi['owner'] = (method, path, body, headers = {}) =>
    exchange({ socketPath }, method, path, body, headers)
  const held = stack.move()
  return {
    service,
    relay,
    mail,
    letters,
    dkim,
    desk,
    reports,
    keys,
    ownData,
    selfAudits,
    chatImport,
    databaseUrl,
    dataDir,
    bus,
    metrics,
    socketPath,
    owner,
    origin: `http://127.0.0.1:${String(port)}`,
    logged: () => logged,
    again: () => createApiService(config, platform, ports),
    call: (method, path, { key, body, headers = {} } = {}) =>
      exchange({ host: '127.0.0.1', port }, method, path, body, {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      }),
    key: async (...scope) => String((await owner('POST', '/v1/api-keys', { scope })).json['token']),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** The header of a sign-in by name and password. */
export function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}

/** Strings and buffers go as they are, anything else as JSON. */
async function exchange(
  target: object,
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  const raw = typeof body === 'string' || Buffer.isBuffer(body) || body === undefined
  const payload = raw ? body : JSON.stringify(body)
  const type = raw ? {} : { 'content-type': 'application/json' }
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sent = httpRequest(
    { ...target, method, path, headers: { ...type, ...headers }, agent: false },
    resolve,
  )
  sent.on('error', reject)
  sent.end(payload)
  const response = await promise
  const text = Buffer.concat((await response.toArray()) as Buffer[]).toString()
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    get json() {
      return JSON.parse(text) as Record<string, unknown>
    },
  }
}

/**
 * Postfix at both ends. As receiver it says "later": at RCPT, after DATA, as Debian's greylister wants; our mail waits by its schedule and is brought then. As
 * sender it is told "later" by us, and keeps its own promises of TLS. Clocks are the system's, set forward.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm, stat } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeCertificate } from '../../packages/http/test/_certificate.ts'
import { createEvents } from '../../services/smtp/src/events.ts'
import type { Stage } from '../../services/smtp/src/reception/stage.ts'
import { openScreening } from '../../services/smtp/src/screening.ts'
import { createFlow, enqueue, envelopeFor, uncounted } from '../../services/smtp/test/flow.ts'
import type { FlowFixture } from '../../services/smtp/test/flow.ts'
import { noDns } from '../../services/smtp/test/peers.ts'
import { openTestReception } from '../../services/smtp/test/reception.ts'
import type { TestReception } from '../../services/smtp/test/reception.ts'
import { freePort } from './free-port.ts'
import { Postfix } from './postfix.ts'

const MINUTE_MS = 60_000
const isRoot = process.getuid?.() === 0

let ahead = 0
const clock = { ...systemClock, now: () => Date.now() + ahead }

/** Debian's greylister for Postfix, which wants to wait for a second; where it listens. */
async function startPostgrey(stack: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'postgrey-'))
  stack.defer(() => rm(directory, { recursive: true }))
  const { uid, gid } = await stat('/var/lib/postgrey')
  await chmod(directory, 0o755)
  await chown(directory, uid, gid)
  const socket = join(directory, 'socket')
  const args = [
    `--unix=${socket}`,
    `--dbdir=${directory}`,
    `--pidfile=${join(directory, 'pid')}`,
    '--delay=1',
  ]
  const child = spawn('postgrey', args, { stdio: 'ignore' })
  stack.defer(async () => {
    const gone = once(child, 'exit')
    child.kill()
    await gone
  })
  await vi.waitUntil(() => existsSync(socket), { timeout: 30_000 })
  return socket
}

describe.runIf(isRoot)('Postfix receives', () => {
  const stack = new AsyncDisposableStack()
  let fixture: FlowFixture
  let postfix: Postfix
  let ann: string

  beforeAll(async () => {
    const certificate = makeCertificate('localhost')
    const socket = await startPostgrey(stack)
    const restrictions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'rcpt.example': { smtpd_recipient_restrictions: '$at_rcpt' },
      'data.example': { smtpd_end_of_data_restrictions: '$at_end' },
      'grey.example': { smtpd_recipient_restrictions: `check_policy_service unix:${socket}` },
    }
    const domains = Object.keys(restrictions)
    const ports = new Map(
      await Promise.all(domains.map(async (domain) => [domain, await freePort()] as const)),
    )
    postfix = stack.use(
      await Postfix.receive({
        doors: domains.map((domain) => ({
          at: `127.0.0.1:${String(ports.get(domain))}`,
          certificate,
          settings: restrictions[domain] ?? {},
        })),
        mailboxes: domains.map((domain) => `bob@${domain}`),
        settings: {
          at_rcpt: 'check_recipient_access static:{450 4.2.1 mailbox is being moved}',
          at_end: 'check_client_access static:{451 4.3.1 no room for now}',
        },
      }),
    )
    const routes = Object.fromEntries(
      [...ports].map(([domain, port]) => [domain, { host: '127.0.0.1', port }]),
    )
    fixture = stack.use(await createFlow(routes, {}, { clock }))
    ann = await fixture.account('ann')
  })
  afterAll(() => stack.disposeAsync())

  const send = (domain: string): Promise<string> =>
    enqueue(fixture.flow, { account: ann, envelope: envelopeFor('ann@localhost', `bob@${domain}`) })
  const recipient = (id: string) => fixture.flow.queue.show(id)?.recipients[0]
  const minutesToNext = (id: string): number => ((recipient(id)?.nextAt ?? 0) - clock.now()) / MINUTE_MS
  /** Lets time pass. */
  const wait = async (minutes: number): Promise<void> => {
    ahead += minutes * MINUTE_MS
    await fixture.restart()
  }
  const arrived = (domain: string): Promise<void> =>
    expect.poll(() => postfix.mails(`bob@${domain}`)).toHaveLength(1)

  test.each([
    ['at RCPT', 'rcpt.example', 'at_rcpt', '4.2.1'],
    ['after DATA', 'data.example', 'at_end', '4.3.1'],
  ])(
    'refused for now %s: tried again after a minute, and brought once',
    async (_when, domain, setting, status) => {
      const id = await send(domain)
      await expect.poll(() => recipient(id)?.reason?.status).toBe(status)
      expect(minutesToNext(id)).toBeGreaterThan(0.8)
      expect(minutesToNext(id)).toBeLessThan(1.2)
      await postfix.set(setting, '')
      await wait(1.2)
      await arrived(domain)
      expect(fixture.flow.queue.show(id)).toBeUndefined()
    },
  )

  test('greylisted: left alone for more than five minutes, then brought', async () => {
    const id = await send('grey.example')
    await expect.poll(() => recipient(id)?.reason?.status).toBe('4.2.0')
    expect(await postfix.log()).toMatch(/Greylisted/)
    expect(minutesToNext(id)).toBeGreaterThan(4.9)
    expect(minutesToNext(id)).toBeLessThan(6.1)
    await pause(1_100) // The greylister lives in real time.
    await wait(6.1)
    await arrived('grey.example')
  })
})

/** A TCP proxy on this machine before a port, with the PROXY protocol: who comes through has an address of the world. Returns its port. */
async function openProxy(stack: AsyncDisposableStack, to: number): Promise<number> {
  const server = createServer((client) => {
    const relay = connect(to, '127.0.0.1')
    for (const socket of [client, relay]) socket.on('error', () => undefined)
    relay.write('PROXY TCP4 203.0.113.7 192.0.2.254 50000 25\r\n')
    client.pipe(relay).pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe.runIf(isRoot)('Postfix sends', () => {
  const stack = new AsyncDisposableStack()
  let reception: TestReception
  let proxy: number

  beforeAll(async () => {
    reception = stack.use(
      await openTestReception({
        proxies: ['127.0.0.1'],
        stages: ({ platform, accounts }) => {
          const config = {
            blocklists: [],
            greylist: true,
            trustedSealers: [],
            clamav: undefined,
            rspamd: undefined,
          }
          const parts = {
            accounts,
            resolver: noDns,
            mail: { send: () => Promise.resolve() },
            collector: uncounted(platform, noDns),
            events: createEvents(platform),
          }
          const opening = openScreening(config, { ...platform, clock }, parts)
          stack.defer(async () => (await opening)[Symbol.asyncDispose]())
          const recipient: Stage['recipient'] = async (client, envelope, address) => {
            for (const stage of (await opening).first) {
              const reply = await stage.recipient?.(client, envelope, address)
              if (reply !== undefined) return reply
            }
            return undefined
          }
          return [{ name: 'screening', recipient }]
        },
      }),
    )
    proxy = await openProxy(stack, reception.ports.mx)
  })
  afterAll(() => stack.disposeAsync())

  const start = (settings: Readonly<Record<string, string>>): Promise<Postfix> =>
    Postfix.start({ relay: proxy, caFile: reception.platform.caFile, settings })
  const MAIL = 'From: ann@elsewhere.example\nTo: bob@localhost\nSubject: hi\n\ntext\n'

  test('encrypted: is greylisted, comes again, and is taken', async () => {
    await using postfix = await start({ smtp_tls_security_level: 'encrypt', smtp_tls_CAfile: '' })
    await postfix.send('ann@elsewhere.example', ['bob@localhost'], MAIL)
    const log = await postfix.logged(/status=deferred/)
    expect(log).toMatch(/Untrusted TLS connection established to 127\.0\.0\.1.*TLSv1\.3/)
    expect(log).toMatch(/dsn=4\.7\.1, status=deferred \(host .* said: 451 4\.7\.1 Not known/)
    ahead += 3 * MINUTE_MS
    await postfix.flush()
    expect(await postfix.logged(/status=sent/)).toMatch(/dsn=2\.6\.0, status=sent \(250 2\.6\.0 Queued as/)
    expect((await reception.queue.mail(1)).body.toString()).toBe('text\r\n')
  })

  test('verified: to no server whose certificate is for somebody else', async () => {
    await using postfix = await start({ smtp_tls_verify_cert_match: 'mx.sts.example' })
    await postfix.send('ann@elsewhere.example', ['bob@localhost'], MAIL)
    expect(await postfix.logged(/status=deferred/)).toMatch(
      /status=deferred \(Server certificate not verified\)/,
    )
    expect(reception.queue.mails).toHaveLength(1)
  })
})

/** Dashboards and alerts before Debian's Prometheus: every panel shows something of a live server, every rule fires when it should, no label names anybody. */
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeIdentity } from '@sealpost/backup'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { ed25519, certify, userId } from '../../packages/openpgp/test/maker.ts'
import { armor } from '../../services/keys/test/keys.ts'
import { MailSink } from '../../services/smtp/test/mail-sink.ts'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { omemo } from '../../services/xmpp/test/relay-fixture.ts'
import { Prometheus, promtool } from './prometheus.ts'
import { Sealpost } from './sealpost.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const RULES = join(ROOT, 'infra/prometheus/rules/sealpost.yml')
const RULE_TESTS = join(ROOT, 'infra/prometheus/tests/sealpost.yml')
const DASHBOARDS = join(ROOT, 'infra/grafana/dashboards')
const PASSWORD = 'pass-word'
/** What Grafana would put in for a short range. */
const RATE_INTERVAL = '1m'
/** Of a server of any size. */
const SERIES_MAX = 5_000
/** Delivery is measured for one message in sixteen. */
const CHAT_MESSAGES = 64

interface Panel {
  readonly title: string
  readonly targets: readonly { readonly expr: string }[]
}
interface Dashboard {
  readonly uid: string
  readonly panels: readonly Panel[]
}
interface Rule {
  readonly alert: string
  readonly annotations: { readonly summary: string; readonly runbook: string }
}

const dashboards = await Promise.all(
  (await readdir(DASHBOARDS)).map(
    async (file) => JSON.parse(await readFile(join(DASHBOARDS, file), 'utf8')) as Dashboard,
  ),
)
const rules = (parse(await readFile(RULES, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
)

describe('alert rules', () => {
  test('are rules, and each is silent and then fires in a test of its own', async () => {
    await promtool('check', 'rules', RULES)
    await promtool('test', 'rules', RULE_TESTS)
    const { tests } = parse(await readFile(RULE_TESTS, 'utf8')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
    }
    const tried = tests.flatMap(({ alert_rule_test }) =>
      alert_rule_test.map(({ alertname, exp_alerts }) => `${alertname} ${String(exp_alerts.length)}`),
    )
    expect(tried).toEqual(rules.flatMap(({ alert }) => [`${alert} 0`, `${alert} 1`]))
  })

  test('go, by the configuration that is shipped, to the Alertmanager of the stack, which takes its own', async () => {
    // The file of compose names its rules by their place in the container.
    const directory = await mkdtemp(join(tmpdir(), 'sealpost-prometheus-'))
    try {
      const shipped = await readFile(join(ROOT, 'infra/prometheus/prometheus.yml'), 'utf8')
      const here = shipped.replace('/etc/prometheus/', `${join(ROOT, 'infra/prometheus')}/`)
      await writeFile(join(directory, 'prometheus.yml'), here)
      const said = await promtool('check', 'config', join(directory, 'prometheus.yml'))
      expect(said).toContain(`SUCCESS: ${String(rules.length)} rules found`)
    } finally {
      await rm(directory, { recursive: true })
    }
    const run = promisify(execFile)
    const alertmanager = join(ROOT, 'infra/alertmanager/alertmanager.yml')
    expect((await run('amtool', ['check-config', alertmanager])).stdout).toContain('SUCCESS')
    const routed = await run('amtool', ['config', 'routes', 'test', `--config.file=${alertmanager}`, 'x=y'])
    expect(routed.stdout.trim()).toBe('nobody')
  })

  test('each leads to a section of the runbook', async () => {
    const operations = await readFile(join(ROOT, 'docs/operations.md'), 'utf8')
    const anchors = [...operations.matchAll(/^#+ (.+)$/gm)].map(
      ([, title = '']) => `docs/operations.md#${title.toLowerCase().replaceAll(' ', '-')}`,
    )
    expect(
      rules.map(({ annotations }) => annotations.runbook).filter((each) => !anchors.includes(each)),
    ).toEqual([])
  })
})

describe('a live server', () => {
  let sealpost: Sealpost
  let sink: MailSink
  let prometheus: Prometheus
  beforeAll(async () => {
    await using stack = new AsyncDisposableStack()
    sink = stack.use(await MailSink.open())
    const { port } = sink.smarthost
    const environment = { SMTP_SMARTHOST: `127.0.0.1:${String(port)}`, ...(await backUp(stack)) }
    sealpost = stack.use(await Sealpost.start({ environment }))
    await sealpost.importAccounts(['alice', 'bob'].map((username) => ({ username, password: PASSWORD })))
    prometheus = stack.use(await Prometheus.start(`127.0.0.1:${String(sealpost.httpPort)}`, RULES))
    // A counter that was never seen before has gained nothing: everything happens once before Prometheus looks, and once after.
    for (let round = 0; round < 2; round++) {
      await live(sealpost, sink)
      await scrapes(prometheus, 2)
    }
    const held = stack.move()
    return () => held.disposeAsync()
  })

  test('five dashboards, each panel of which shows something', async () => {
    expect(dashboards.map(({ uid }) => uid).toSorted()).toEqual(
      ['database', 'keys', 'mail', 'overview', 'xmpp'].map((name) => `sealpost-${name}`),
    )
    const shown = async ({ expr }: Panel['targets'][number]): Promise<boolean> => {
      const samples = await prometheus.query(expr.replaceAll('$__rate_interval', RATE_INTERVAL))
      return samples.some(({ value }) => Number.isFinite(value))
    }
    const empty = async (): Promise<readonly string[]> => {
      const looked = dashboards.flatMap(({ uid, panels }) =>
        panels.flatMap(({ title, targets }) =>
          targets.map(async (target) => ((await shown(target)) ? [] : [`${uid}: ${title}`])),
        ),
      )
      return (await Promise.all(looked)).flat()
    }
    // Some figures are taken every ten seconds.
    await expect.poll(empty, { timeout: 30_000, interval: 1_000 }).toEqual([])
  })

  test('a server that is well raises no alarm', async () => {
    const real = (await prometheus.alerts()).filter((alert) => !ABOUT_THE_MACHINE.has(alert))
    expect(real).toEqual([])
  })

  test('labels are words of ours, and few', async () => {
    const series = await prometheus.series()
    expect(series.length).toBeLessThan(SERIES_MAX)
    const known = new Set(['__name__', 'instance', 'job', 'route', 'version', 'le'])
    const words = series.flatMap((labels) =>
      Object.entries(labels).filter(([name, value]) => !known.has(name) && !/^[\w ./+*-]{0,64}$/.test(value)),
    )
    expect(words).toEqual([])
    const texts = series.map((labels) => JSON.stringify({ ...labels, instance: '' }))
    expect(texts.filter((text) => /alice|bob|elsewhere|localhost|127\.0\.0\.1|@/.test(text))).toEqual([])
  })
})

/** A small disk, or a machine with much to do, are nothing that this server does. */
const ABOUT_THE_MACHINE = new Set(['RoomForData', 'NoRoomForData', 'EventLoopBlocked'])

/** With drills. */
async function backUp(stack: AsyncDisposableStack): Promise<Record<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-backup-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o711)
  const { identity, recipient } = makeIdentity()
  const file = join(directory, 'key.txt')
  await writeFile(file, identity, { mode: 0o600 })
  return {
    BACKUP_DIR: join(directory, 'backups'),
    BACKUP_RECIPIENTS: recipient,
    BACKUP_IDENTITY_FILE: file,
  }
}

async function scrapes(prometheus: Prometheus, count: number): Promise<void> {
  const done = async (): Promise<number> =>
    (await prometheus.query('count_over_time(up{job="sealpost"}[1h])'))[0]?.value ?? 0
  const enough = (await done()) + count
  await vi.waitFor(async () => expect(await done()).toBeGreaterThanOrEqual(enough), {
    timeout: 20_000,
    interval: 200,
  })
}

async function live(sealpost: Sealpost, sink: MailSink): Promise<void> {
  await chat(sealpost)
  await mail(sealpost, sink)
  await keys(sealpost)
}

async function chat({ port }: Sealpost): Promise<void> {
  const account = { port, password: PASSWORD }
  await using bob = await TestClient.signIn({ ...account, username: 'bob', resource: 'phone' })
  await bob.enableStreamManagement()
  await bob.available()
  await using alice = await TestClient.signIn({ ...account, username: 'alice' })
  await alice.enableStreamManagement()
  for (let index = 0; index < CHAT_MESSAGES; index++) {
    alice.sends(omemo('bob@localhost', `live-${String(index)}`))
    await bob.message()
    await bob.ping()
  }
  await bob.close()
  alice.sends(omemo('bob@localhost', 'sealed'))
  alice.sends(`<message to='bob@localhost' type='chat' id='plain'><body>hello</body></message>`)
  await alice.receives(`<message type='error' id='plain' {any}><policy-violation {any}/>{any}</message>`)
  await alice.ping()
  await alice.close()
  await using back = await TestClient.signIn({ ...account, username: 'bob', resource: 'phone' })
  await back.enableStreamManagement()
  await back.available()
  await back.message()
  await back.ping()
  await back.close()
  const wrong = TestClient.signIn({ port, username: 'alice', password: 'wrong' })
  await expect(wrong).rejects.toThrow('sign-in refused')
  await using hostile = await TestClient.connect({ port })
  hostile.sendRaw(`<message><x a='&alice;'></oops></message>`)
  await hostile.ended()
}

async function mail(sealpost: Sealpost, sink: MailSink): Promise<void> {
  const ca = await readFile(sealpost.caFile, 'utf8')
  const plain = (secret: string): string =>
    `AUTH PLAIN ${Buffer.from(`\0alice@localhost\0${secret}`).toString('base64')}`
  using user = await SmtpClient.connect(sealpost.submissionsPort, { ca })
  await user.ask()
  await user.ask('EHLO client.example')
  await user.ask(plain('wrong'))
  await user.ask(plain(PASSWORD))
  const count = sink.mails.length
  await hand(user, 'alice@localhost', ['alice@elsewhere.example', 'bob@localhost'])
  await sink.next(count)
  using server = await SmtpClient.connect(sealpost.mxPort)
  await server.ask()
  await server.ask('EHLO mail.elsewhere.example')
  await hand(server, 'alice@elsewhere.example', ['nobody@localhost', 'bob@localhost'])
  using confused = await SmtpClient.connect(sealpost.submissionsPort, {})
  confused.send('EHLO no.tls.example\r\n')
  await confused.untilClosed()
}

async function hand(client: SmtpClient, from: string, recipients: readonly string[]): Promise<void> {
  await client.ask(`MAIL FROM:<${from}>`)
  for (const recipient of recipients) await client.ask(`RCPT TO:<${recipient}>`)
  await client.ask('DATA')
  client.send(`From: <${from}>\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\nSubject: x\r\n\r\nx\r\n`)
  expect(await client.ask('.')).toMatch(/^250/)
}

async function keys({ httpPort }: Sealpost): Promise<void> {
  const url = (path: string): string => `http://127.0.0.1:${String(httpPort)}${path}`
  const primary = ed25519(Date.now())
  const owner = 'alice@elsewhere.example'
  const keytext = armor(Buffer.concat([primary.key.packet.bytes, userId(owner), certify(primary, owner)]))
  const post = (path: string, body: object): Promise<Response> =>
    fetch(url(path), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const { token } = (await (await post('/vks/v1/upload', { keytext })).json()) as { token: string }
  expect((await post('/vks/v1/request-verify', { token, addresses: [owner] })).status).toBe(200)
  await fetch(url(`/pks/lookup?op=get&search=${owner}`))
  await fetch(url('/pks/lookup?op=get&search=x'))
  await fetch(url('/v1/me'), { headers: { authorization: `Basic ${btoa(`alice@localhost:wrong`)}` } })
}

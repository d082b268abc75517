/**
 * `npm run bench -- accounts`: how long administrators wait. 100,000 accounts in 200 organisations under 10 resellers, then every filter of the list over HTTP: p50 and p95 of
 * its first page, one request at a time, asked to be under 100 ms; and how many requests a second the API answers (one account shown, by API key) beside a bare
 * Fastify route with one Postgres read on the same core, in turns: asked to be at least half. Options: --accounts N (100,000), --seconds N (5).
 */
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { Sealpost } from '../test/interop/sealpost.ts'
import { readCpuSeconds } from './proc.ts'
import { median, readSettings } from './rounds.ts'
import { startBare } from './servers/bare.ts'
import { pinned } from './servers/server.ts'

const CORE = 0
const SAMPLES = 60
const ROUNDS = 3
/** Requests under way at a time when their number is measured. */
const AT_ONCE = 16
const P95_MS_MAX = 100
const SHARE_MIN = 0.5

const FILTERS: Readonly<Record<string, string>> = {
  'no filter': '',
  domain: 'domain=localhost',
  'state active': 'state=active',
  'state suspended': 'state=suspended',
  reason: 'reason=abuse',
  'reason of nobody': 'reason=none',
  plan: 'plan=large',
  'plan of few': 'plan=rare',
  'no plan': 'plan=default',
  'created after': 'created_after=2025-12-20',
  'created before': 'created_before=2024-01-10',
  'used after': 'last_used_after=2026-06-20',
  'not used since': 'last_used_before=2026-01-10',
  'name, 1 letter': 'search=7',
  'name, 2 letters': 'search=zq',
  'name, part of many': 'search=name',
  'name, part of few': 'search=99x',
  'name, part of one': 'search=0777x',
  'name, part of none': 'search=nobody-has-this',
  'name and state': 'search=0777&state=suspended',
  'reason and plan': 'reason=abuse&plan=rare',
}

export async function accounts(args: readonly string[]): Promise<void> {
  const { numbers } = readSettings(args, { accounts: 100_000, seconds: 5 })
  await using stack = new AsyncDisposableStack()
  const sealpost = stack.use(
    await Sealpost.start({ environment: { LOG_LEVEL: 'error' }, prefix: pinned(CORE) }),
  )
  await fill(sealpost, numbers.accounts)
  const organisations = await sealpost.query<{ kind: string; id: string }>(
    `select distinct on (kind) kind, id from account.organisation order by kind, name`,
  )
  const byKind = organisations.map(({ kind, id }) => [`of one ${kind}`, `organisation=${id}`] as const)
  const { output } = await sealpost.ctl(['apikey', 'create', '--scope', 'accounts:read', '--json'])
  const { token } = JSON.parse(output) as { token: string }
  const agent = stack.adopt(new Agent({ keepAlive: true, maxSockets: AT_ONCE }), (each) => each.destroy())
  const ask = asking(agent, sealpost.httpPort, { authorization: `Bearer ${token}` })

  let slow = 0
  for (const [name, query] of [...Object.entries(FILTERS), ...byKind]) {
    const { p50, p95 } = await latency(() => ask(`/v1/accounts?${query}`))
    slow += p95 < P95_MS_MAX ? 0 : 1
    console.log(
      `${name.padEnd(24)}p50 ${p50.toFixed(1).padStart(7)} ms   p95 ${p95.toFixed(1).padStart(7)} ms`,
    )
  }
  console.log(
    slow === 0 ? `every filter under ${String(P95_MS_MAX)} ms (p95)` : `${String(slow)} filters too slow`,
  )

  const bare = stack.use(await startBare(CORE, 'account.ts', [await sealpost.databaseUrl()]))
  const askBare = asking(agent, bare.port, {})
  const roots = [...(await sealpost.roots()), ...bare.roots]
  const rounds = { api: [] as Round[], bare: [] as Round[] }
  for (let round = 0; round < ROUNDS; round++) {
    const show: Work = (index) => ask(`/v1/accounts/${nameOf(index)}@localhost`)
    rounds.api.push(await measure(roots, numbers.seconds, show))
    rounds.bare.push(await measure(roots, numbers.seconds, (index) => askBare(`/account/${nameOf(index)}`)))
  }
  const [api, plain] = [middle(rounds.api), middle(rounds.bare)]
  const share = api.rate / plain.rate
  console.log(
    `API ${api.rate.toFixed(0)} requests a second, bare route ${plain.rate.toFixed(0)}: ${share.toFixed(2)} of it; processor time of one ${api.micros.toFixed(0)} and ${plain.micros.toFixed(0)} µs`,
  )
  if (slow > 0 || share < SHARE_MIN) process.exitCode = 1
}

const nameOf = (index: number): string => `name${String(index % 1_000).padStart(5, '0')}x`

/** In the database, since making a hundred thousand verifiers is another benchmark; the triggers of the pools count along. */
async function fill(sealpost: Sealpost, count: number): Promise<void> {
  const statements = [
    `insert into account.plan values ('large', '{"mailbox_mib": 2048}'), ('rare', '{"mailbox_mib": 4096}')`,
    `insert into account.organisation (id, name, kind, created_on)
     select gen_random_uuid(), 'Reseller ' || n, 'reseller', '2024-01-01' from generate_series(1, 10) n`,
    `insert into account.organisation (id, name, kind, parent_id, created_on)
     select gen_random_uuid(), 'Customer ' || n, 'customer', (select id from account.organisation where name = 'Reseller ' || (n % 10 + 1)), '2024-01-01'
     from generate_series(1, 200) n`,
    `insert into account.account (id, domain, localpart, state, suspension_reason, organisation_id, created_on, last_used_on)
     select gen_random_uuid(), 'localhost', 'name' || lpad(n::text, 5, '0') || 'x', case when n % 50 = 0 then 'suspended' else 'active' end,
       case when n % 50 = 0 then case when n % 100 = 0 then 'abuse' else 'payment' end end, o.id, '2024-01-01'::date + n % 730, '2026-01-01'::date + n % 180
     from generate_series(0, ${String(count - 1)}) n
     left join (select id, row_number() over (order by name) as place from account.organisation where kind = 'customer') o on o.place = n % 400 + 1`,
    `insert into account.account_plan select id, case when random() < 0.01 then 'rare' else 'large' end from account.account where random() < 0.5`,
    'analyze',
  ]
  for (const statement of statements) await sealpost.query(statement)
}

type Ask = (path: string) => Promise<void>

/** Each from another address: an administrator's patience is measured, not what one client may ask in a minute. */
function asking(agent: Agent, port: number, headers: Record<string, string>): Ask {
  let asked = 0
  return async (path) => {
    asked += 1
    const from = `10.${String((asked >> 16) & 255)}.${String((asked >> 8) & 255)}.${String(asked & 255)}`
    const sent = request({
      agent,
      port,
      path,
      host: '127.0.0.1',
      headers: { ...headers, 'x-forwarded-for': from, 'x-forwarded-proto': 'https' },
    })
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    if (response.statusCode !== 200) throw new Error(`${path} answered ${String(response.statusCode)}`)
  }
}

async function latency(work: () => Promise<void>): Promise<{ p50: number; p95: number }> {
  const times: number[] = []
  for (let sample = 0; sample < SAMPLES; sample++) {
    const began = performance.now()
    await work()
    times.push(performance.now() - began)
  }
  times.sort((one, other) => one - other)
  const at = (part: number): number => times[Math.floor(part * times.length)] ?? Infinity
  return { p50: at(0.5), p95: at(0.95) }
}

type Work = (index: number) => Promise<void>

/** `rate` a second; `micros` of processor time for each, Postgres included. */
interface Round {
  readonly rate: number
  readonly micros: number
}

const middle = (rounds: readonly Round[]): Round => ({
  rate: median(rounds.map(({ rate }) => rate)),
  micros: median(rounds.map(({ micros }) => micros)),
})

async function measure(roots: readonly number[], seconds: number, work: Work): Promise<Round> {
  const before = readCpuSeconds(roots)
  const [began, until] = [performance.now(), performance.now() + seconds * 1_000]
  let done = 0
  const worker = async (): Promise<void> => {
    while (performance.now() < until) await work(done++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const rate = done / ((performance.now() - began) / 1_000)
  return { rate, micros: ((readCpuSeconds(roots) - before) / done) * 1e6 }
}

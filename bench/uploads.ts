/**
 * `npm run bench -- uploads`: what hostile uploads do to lookups. The server with its Postgres on one core, everything else on another. Each upload of the hostile corpus
 * (packages/openpgp/test/hostile.ts) goes to HKP: first alone, for the processor time that it costs the server, the median of three; then all of them one behind the other,
 * while a certificate is looked up every 5 ms by its fingerprint. Of the lookups it prints the time from when each was due to the end of its answer, beside that of as many
 * lookups without uploads. Goals: 200 ms of processor time, and no lookup later by more than 20 ms. Option: --rounds N (2), of all uploads.
 */
import { execFileSync } from 'node:child_process'
import { Agent, request } from 'node:http'
import { hostileCorpus, manyCertificates } from '../packages/openpgp/test/hostile.ts'
import { sample } from '../packages/openpgp/test/maker.ts'
import { Sealpost } from '../test/interop/sealpost.ts'
import { readCpuSeconds } from './proc.ts'
import { median, readSettings } from './rounds.ts'
import { pinned } from './servers/server.ts'

const CORE = 0
/** Of this process, which sends everything. */
const LOAD_CORE = 1
const EVERY_MS = 5
const TRIES = 3
const GOALS = { cpuMs: 200, laterMs: 20 }

interface Sent {
  readonly path: string
  readonly method?: string
  readonly body?: Buffer
}

export async function uploads(args: readonly string[]): Promise<void> {
  const { numbers } = readSettings(args, { rounds: 2 })
  execFileSync('taskset', ['-a', '-p', '-c', String(LOAD_CORE), String(process.pid)])
  await using sealpost = await Sealpost.start({ environment: { LOG_LEVEL: 'error' }, prefix: pinned(CORE) })
  const send = sender(sealpost.httpPort)
  const corpus = hostileCorpus()
  const upload = (body: Buffer): Promise<number> => send({ path: '/pks/v2/certs', method: 'POST', body })
  const { bytes, primary } = sample(1)
  await upload(bytes)
  const path = `/pks/v2/certs/by-vfingerprint/04/${primary.key.fingerprint.toString('hex')}`
  const look = (): Promise<number> => send({ path })
  for (let turn = 0; turn < 500; turn += 1) await look()
  for (const hostile of corpus) await upload(hostile.upload)

  const roots = [sealpost.pid]
  const costs: { name: string; ms: number }[] = []
  for (const hostile of corpus) {
    const times: number[] = []
    for (let turn = 0; turn < TRIES; turn += 1) {
      const before = readCpuSeconds(roots)
      await upload(hostile.upload)
      times.push((readCpuSeconds(roots) - before) * 1_000)
    }
    costs.push({ name: hostile.name, ms: median(times) })
  }
  const fresh: number[] = []
  for (let turn = 0; turn < TRIES; turn += 1) {
    const many = manyCertificates(20_000 + 1_000 * turn)
    const before = readCpuSeconds(roots)
    await upload(many)
    fresh.push((readCpuSeconds(roots) - before) * 1_000)
  }
  costs.push({ name: 'two hundred small certificates, all of them new', ms: median(fresh) })
  costs.sort((a, b) => b.ms - a.ms)
  console.log('processor time of an upload, in steps of 10 ms:')
  for (const { name, ms } of costs.slice(0, 6))
    console.log(`  ${name.padEnd(54)}${ms.toFixed(0).padStart(5)} ms`)

  const sendAll = async (): Promise<void> => {
    for (let round = 0; round < numbers.rounds; round += 1)
      for (const hostile of corpus) await upload(hostile.upload)
  }
  const began = performance.now()
  const beside = await lookups(look, sendAll())
  const took = performance.now() - began
  const alone = await lookups(look, new Promise((resolve) => void setTimeout(resolve, took)))
  const share = (all: readonly number[], part: number): number => all[Math.floor(all.length * part)] ?? 0
  for (const [label, all] of [
    ['lookups alone', alone],
    ['lookups beside uploads', beside],
  ] as const)
    console.log(
      `${label.padEnd(26)}median ${share(all, 0.5).toFixed(1)} ms, 99 % ${share(all, 0.99).toFixed(1)} ms, latest ${(all.at(-1) ?? 0).toFixed(1)} ms of ${String(all.length)}`,
    )
  const worst = costs[0]?.ms ?? 0
  const later = (beside.at(-1) ?? 0) - share(alone, 0.5)
  const verdict = (met: boolean): string => (met ? 'met' : 'MISSED')
  console.log(
    `goals: ${String(GOALS.cpuMs)} ms of processor time: ${worst.toFixed(0)}, ${verdict(worst < GOALS.cpuMs)}; ` +
      `no lookup later by ${String(GOALS.laterMs)} ms: ${later.toFixed(1)}, ${verdict(later < GOALS.laterMs)}`,
  )
}

/** One every 5 ms until `end` resolves; the milliseconds of each, in order. One that waits does not hold the next. */
async function lookups(look: () => Promise<number>, end: Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  const underWay: Promise<void>[] = []
  let due = performance.now()
  const state = { ended: false }
  const ending = end.then(() => {
    state.ended = true
    return state
  })
  while (!state.ended) {
    const start = due
    underWay.push(
      look().then((status) => {
        if (status !== 200) throw new Error(`a lookup was answered with ${String(status)}`)
        return void times.push(performance.now() - start)
      }),
    )
    due += EVERY_MS
    await new Promise((resolve) => void setTimeout(resolve, Math.max(0, due - performance.now())))
  }
  await Promise.all([...underWay, ending])
  return times.sort((a, b) => a - b)
}

/** Each request as from another client, since the server bounds what one may ask. Answers with the status. */
function sender(port: number): (sent: Sent) => Promise<number> {
  const agent = new Agent({ keepAlive: true })
  let client = 0
  return ({ path, method = 'GET', body }) => {
    client = (client + 1) % 65_536
    const headers = {
      'x-forwarded-for': `10.1.${String(client >> 8)}.${String(client & 255)}`,
      ...(body === undefined ? {} : { 'content-type': 'application/pgp', 'content-length': body.length }),
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    asked.on('error', reject).end(body)
    return promise
  }
}

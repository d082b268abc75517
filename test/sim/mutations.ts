/**
 * Whether the simulation would notice: breaks one line of the relay after the other, in a copy of the sources, and runs seeds on each until one fails.
 * `node test/sim/mutations.ts [--seeds 200] [--only NAME]`; exits 1 when a mutation survives. Takes minutes, so it is run by hand when delivery or simulation change.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

interface Mutation {
  readonly name: string
  readonly file: string
  /** Stands once in the file. */
  readonly find: string
  readonly replace: string
}

const DELIVERY = 'services/xmpp/src/delivery/delivery.ts'
const OUTBOX = 'services/xmpp/src/delivery/outbox.ts'
const REGISTRY = 'services/xmpp/src/delivery/device-registry.ts'

const MUTATIONS: readonly Mutation[] = [
  {
    name: 'safe as soon as it is written to a socket',
    file: DELIVERY,
    find: '    if (written) this.#race(copy)\n',
    replace: '    if (written) { this.#race(copy); outcome.release() }\n',
  },
  {
    name: 'safe before the store has it',
    file: DELIVERY,
    find: '      entry.stored.then(\n',
    replace: '      this.#sealed(copy, entry.id)\n      entry.stored.then(\n',
  },
  {
    name: 'an acknowledged copy keeps its key',
    file: DELIVERY,
    find: '    copy.finish()\n    if (id !== undefined) this.#shred(copy, id)\n    outcome?.release()\n  }\n\n  roomy',
    replace: '    copy.finish()\n    outcome?.release()\n  }\n\n  roomy',
  },
  {
    name: 'what a lost session had is not sealed',
    file: DELIVERY,
    find: '    for (const queue of queues) this.#sealLive(queue)\n    for (const copy of copies) {\n      if (copy.holders',
    replace: '    for (const copy of copies) {\n      if (copy.holders',
  },
  {
    name: 'the others do not read again what a session left',
    file: DELIVERY,
    find: '      attachment.cursor = 0\n',
    replace: '',
  },
  {
    name: 'the backlog is sent beside what is on its way already',
    file: DELIVERY,
    find: '    if (inFlight?.holders.includes(session.outbox)) return // on its way to this session already\n',
    replace: '',
  },
  {
    name: 'what is due is sent from the backlog',
    file: DELIVERY,
    find: '    if (dueSeconds <= this.#options.clock.now() / 1000) return // the store shreds it within the second\n',
    replace: '',
  },
  {
    name: 'what is due is sent again by a resumption',
    file: DELIVERY,
    find: '({ dueSeconds }) => dueSeconds <= second',
    replace: '() => false',
  },
  {
    name: 'a younger copy is sealed before older ones',
    file: DELIVERY,
    find: '    if (this.#sealLive(copy.queue)) this.#seal(copy)\n',
    replace: '    if (this.#seal(copy)) this.#sealLive(copy.queue)\n',
  },
  {
    name: 'live messages overtake the backlog',
    file: DELIVERY,
    find: '    this.#pump(attachment)\n  }\n\n  /** The session takes nothing any more',
    replace: '    attachment.live = true\n  }\n\n  /** The session takes nothing any more',
  },
  {
    name: 'an acknowledgement takes one more than it says',
    file: OUTBOX,
    find: '    this.#hPlace += count\n',
    replace: '    this.#hPlace += count + 1\n',
  },
  {
    name: 'a replay leaves the first stanza out',
    file: OUTBOX,
    find: '    for (const { xml } of this.#items) this.#stream?.send(xml)\n',
    replace: '    for (const { xml } of [...this.#items].slice(1)) this.#stream?.send(xml)\n',
  },
  {
    name: 'a replay is in the wrong order',
    file: OUTBOX,
    find: '    for (const { xml } of this.#items) this.#stream?.send(xml)\n',
    replace: '    for (const { xml } of [...this.#items].toReversed()) this.#stream?.send(xml)\n',
  },
  {
    name: 'a device that was registered meanwhile is not seen',
    file: REGISTRY,
    find: '    this.#invalidate(account.id)\n    await this.#load(account.id)\n',
    replace: '    await this.queuesOf(account)\n',
  },
  {
    name: 'a revoked device still has a queue',
    file: REGISTRY,
    find: '      this.#inheritUntil.delete(deviceId)\n      this.#invalidate(accountId)\n',
    replace: '      this.#inheritUntil.delete(deviceId)\n',
  },
]

const ROOT = join(import.meta.dirname, '../..')
const TREES = ['packages', 'services', 'test/sim', 'test/platform.ts', 'package.json']

/** A copy of what the simulation runs, to be broken. Packages are found by their links in the copy's own node_modules. */
function copySources(): string {
  const copy = mkdtempSync(join(tmpdir(), 'sealpost-mutations-'))
  for (const tree of TREES) cpSync(join(ROOT, tree), join(copy, tree), { recursive: true })
  cpSync(join(ROOT, 'node_modules/@sealpost'), join(copy, 'node_modules/@sealpost'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  const rest = spawnSync('ls', ['-A', join(ROOT, 'node_modules')], { encoding: 'utf8' }).stdout
  for (const name of rest.split('\n'))
    if (name !== '' && name !== '@sealpost')
      symlinkSync(join(ROOT, 'node_modules', name), join(copy, 'node_modules', name))
  return copy
}

/** The output of the seed that failed; undefined when none did. */
function firstFailure(directory: string, seeds: number): string | undefined {
  const run = spawnSync(process.execPath, ['test/sim/run.ts', '--seeds', String(seeds), '--first'], {
    cwd: directory,
    encoding: 'utf8',
  })
  return run.status === 0 ? undefined : (run.stdout + run.stderr).trim().split('\n', 1)[0]
}

function tryMutation(copy: string, { name, file, find, replace }: Mutation, seeds: number): boolean {
  const path = join(copy, file)
  const source = readFileSync(path, 'utf8')
  if (source.split(find).length !== 2) throw new Error(`${name}: not found once in ${file}`)
  writeFileSync(
    path,
    source.replace(find, () => replace),
  )
  const failure = firstFailure(copy, seeds)
  writeFileSync(path, source)
  process.stdout.write(`${failure === undefined ? 'SURVIVED' : 'noticed '}  ${name}: ${failure ?? ''}\n`)
  return failure !== undefined
}

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '200' }, only: { type: 'string' } },
})
const copy = copySources()
try {
  const meant = MUTATIONS.filter(({ name }) => values.only === undefined || name.includes(values.only))
  if (firstFailure(copy, 3) !== undefined) throw new Error('The simulation fails without a mutation')
  const noticed = meant.map((mutation) => tryMutation(copy, mutation, Number(values.seeds)))
  process.stdout.write(`${noticed.filter(Boolean).length} of ${meant.length} mutations noticed\n`)
  process.exitCode = noticed.every(Boolean) ? 0 : 1
} finally {
  rmSync(copy, { recursive: true })
}

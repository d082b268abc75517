/** `npm run fuzz`: every property of every test, parsers above all, with new seeds for as long as one likes. */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { glob, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const HELP = `Usage: npm run fuzz [-- [--seconds N] [FILTER...]]

Runs the properties of all tests (those that use fast-check), each with as many inputs as there is time for. When time is short, files are chosen by chance, so that each
property still has some seconds. A failure prints its seed, the input, and what it was shrunk to; SEED=N npm run fuzz -- FILTER tries the same inputs again.

  --seconds  how long it tries, besides starting: 180 unless told, at most 86400
  FILTER     part of a path: only files with it
  --help     this text
`

const ROOT = join(import.meta.dirname, '../..')
const SECONDS = { default: 180, max: 86_400 }
/** Of one property in one pass: tests have limits of their own, and some hold that enough of each kind was tried. */
const BUDGET_MS = { min: 3_000, max: 15_000 }
const SEED_MAX = 2 ** 31
const PROPERTY = /\bassert\(\s*(?:fc\.)?(?:async)?property\(/gi

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  const given = read(args)
  if (given === undefined) {
    process.stderr.write(HELP)
    return 2
  }
  if (given.help) {
    process.stdout.write(HELP)
    return 0
  }
  const found = await findProperties(given.filters)
  if (found.length === 0) {
    process.stderr.write('There is no such property\n')
    return 2
  }
  const end = performance.now() + given.seconds * 1_000 - BUDGET_MS.min
  for (let leftMs = given.seconds * 1_000; leftMs > 0; leftMs = end - performance.now()) {
    const { files, properties, budgetMs } = choose(found, leftMs * availableParallelism())
    const seed = process.env['SEED'] ?? String(randomInt(SEED_MAX))
    process.stdout.write(`SEED=${seed}: ${String(properties)} properties, ${String(budgetMs)} ms each\n`)
    const code = await pass(files, { SEED: seed, FUZZ_MS: String(budgetMs) })
    if (code !== 0) return code
  }
  return 0
}

interface Found {
  readonly file: string
  readonly properties: number
}

/** All that there is time for, at least one. */
function choose(
  found: readonly Found[],
  timeMs: number,
): { files: string[]; properties: number; budgetMs: number } {
  const files: string[] = []
  let properties = 0
  for (const each of shuffled(found)) {
    if (files.length > 0 && (properties + each.properties) * BUDGET_MS.min > timeMs) continue
    files.push(each.file)
    properties += each.properties
  }
  const budgetMs = Math.min(BUDGET_MS.max, Math.max(BUDGET_MS.min, Math.ceil(timeMs / properties)))
  return { files, properties, budgetMs }
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

function read(args: string[]): { seconds: number; help: boolean; filters: string[] } | undefined {
  try {
    const options = { seconds: { type: 'string' }, help: { type: 'boolean' } } as const
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    const seconds = Number(values.seconds ?? SECONDS.default)
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > SECONDS.max) return undefined
    return { seconds, help: values.help === true, filters: positionals }
  } catch {
    return undefined
  }
}

async function findProperties(filters: readonly string[]): Promise<Found[]> {
  const found: Found[] = []
  const exclude = (name: string): boolean => name.endsWith('node_modules')
  for await (const file of glob('{packages,services,scripts}/**/*.test.ts', { cwd: ROOT, exclude })) {
    if (filters.length > 0 && !filters.some((filter) => file.includes(filter))) continue
    const text = await readFile(join(ROOT, file), 'utf8')
    const properties = text.includes("from 'fast-check'") ? [...text.matchAll(PROPERTY)].length : 0
    if (properties > 0) found.push({ file, properties })
  }
  return found
}

/** One run of them. */
async function pass(files: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const args = ['run', '--config', 'vitest.fuzz.config.ts', ...files]
  const child = spawn(process.execPath, [vitest, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: 'inherit',
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

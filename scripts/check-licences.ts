/** `npm run check:licences`: what is installed is under licences that let operators run, change and pass on Sealpost. Reads node_modules alone; asks nobody. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/** SPDX identifiers. Weak copyleft is fine: nothing of these packages is changed here. */
const ALLOWED: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'CC-BY-3.0',
  'CC-BY-4.0',
  'ISC',
  'LGPL-3.0+',
  'LGPL-3.0-or-later',
  'MIT',
  'MIT-0',
  'MPL-2.0',
  'PostgreSQL',
  'Python-2.0',
  'Unlicense',
  'WTFPL',
  'Zlib',
])

interface Locked {
  readonly version?: string
  readonly license?: string
  readonly link?: boolean
}

interface Problem {
  readonly name: string
  readonly licence: string
}

/** `A OR B`: one of them; `A AND B`, which binds closer: both; parentheses as usual (SPDX 2.3, annex D). */
export function isAllowed(expression: string): boolean {
  const tokens = expression.match(/[()]|[^()\s]+/g) ?? []
  const takes = (word: string): boolean => {
    const isNext = tokens[0]?.toUpperCase() === word
    if (isNext) tokens.shift()
    return isNext
  }
  const licence = (): boolean => {
    if (!takes('(')) return ALLOWED.has(tokens.shift() ?? '')
    const inner = alternatives()
    return takes(')') && inner
  }
  const together = (): boolean => {
    let allowed = licence()
    while (takes('AND')) allowed = licence() && allowed
    return allowed
  }
  const alternatives = (): boolean => {
    let allowed = together()
    while (takes('OR')) allowed = together() || allowed
    return allowed
  }
  return alternatives() && tokens.length === 0
}

/** Of the packages of a lock file, `licenceOf` says what the installed one says where the lock file does not. */
export async function findProblems(
  packages: Readonly<Record<string, Locked>>,
  licenceOf: (path: string) => Promise<string | undefined>,
): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for (const [path, { license, link }] of Object.entries(packages)) {
    const name = path.split('node_modules/').at(-1) ?? path
    if (link === true || !path.includes('node_modules/')) continue
    const licence = license ?? (await licenceOf(path)) ?? 'none'
    if (!isAllowed(licence)) problems.push({ name, licence })
  }
  return problems
}

async function installedLicence(path: string): Promise<string | undefined> {
  try {
    const { license, licenses } = JSON.parse(await readFile(join(ROOT, path, 'package.json'), 'utf8')) as {
      license?: string | { type?: string }
      licenses?: readonly { type?: string }[]
    }
    const said = license ?? licenses?.[0]
    return typeof said === 'string' ? said : said?.type
  } catch {
    return undefined // for another system, and not installed
  }
}

if (import.meta.main) {
  const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>
  }
  const problems = await findProblems(packages, installedLicence)
  for (const { name, licence } of problems) console.error(`${name}: ${licence}`)
  console.log(
    `${String(Object.keys(packages).length)} packages, ${String(problems.length)} whose licence is not allowed`,
  )
  process.exitCode = problems.length === 0 ? 0 : 1
}

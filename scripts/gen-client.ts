/** `npm run client`: writes the types of packages/api-client and docs/api.md from the registry of commands. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { apiDocument } from './client/document.ts'
import { pathsSource } from './client/paths-source.ts'
import { referencePage } from './client/reference-page.ts'

const ROOT = join(import.meta.dirname, '..')

const HELP = `Usage: npm run client [-- --check]

Writes packages/api-client/src/paths.ts and docs/api.md from the commands of the API. Whoever changes a command runs it.

  --check  writes nothing; exits 1 when a file is not current
  --help   this text
`

/** Each generated file with its text, as it should be now. */
export async function clientFiles(): Promise<ReadonlyMap<string, string>> {
  const document = await apiDocument()
  return new Map([
    ['packages/api-client/src/paths.ts', pathsSource(document)],
    ['docs/api.md', referencePage(document)],
  ])
}

async function main(args: string[]): Promise<number> {
  let values: { check?: boolean; help?: boolean }
  try {
    ;({ values } = parseArgs({ args, options: { check: { type: 'boolean' }, help: { type: 'boolean' } } }))
  } catch {
    process.stderr.write(HELP)
    return 2
  }
  if (values.help === true) {
    process.stdout.write(HELP)
    return 0
  }
  const files = [...(await clientFiles())]
  if (values.check !== true) {
    for (const [path, text] of files) writeFileSync(join(ROOT, path), text)
    return 0
  }
  const stale = files.filter(([path, text]) => readFileSync(join(ROOT, path), 'utf8') !== text)
  for (const [path] of stale) process.stderr.write(`${path} is not current: run npm run client\n`)
  return stale.length === 0 ? 0 : 1
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))

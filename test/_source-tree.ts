/** The repository as tidy.test.ts sees it: files, workspaces, and who imports what. */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')

/** `.git` is a file in a second worktree. */
const SKIPPED = new Set(['node_modules', '.git', 'data', 'dist', 'coverage'])

/** Paths from the root, with `/`. */
export function listFiles(folder = ''): string[] {
  const files: string[] = []
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (SKIPPED.has(entry.name)) continue
    if (entry.isDirectory()) files.push(...listFiles(path))
    else if (entry.isFile() && !entry.name.endsWith('.log')) files.push(path)
  }
  return files
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly type?: string
  readonly exports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

export interface Workspace {
  /** `packages/jid`, `services/xmpp`. */
  readonly folder: string
  readonly manifest: Manifest
}

export function listWorkspaces(files: readonly string[]): Workspace[] {
  return files
    .filter((path) => /^(packages|services)\/[^/]+\/package\.json$/.test(path))
    .map((path) => ({ folder: dirname(path), manifest: JSON.parse(readText(path)) as Manifest }))
}

export interface Import {
  readonly specifier: string
  /** What stands between `import` and `from`, split into words; one empty name if nothing does. */
  readonly names: readonly string[]
  /** Of a relative import, the path it names from the root. */
  readonly path: string | undefined
}

export interface Source {
  readonly path: string
  readonly text: string
  /** `text` without comments, string contents kept. */
  readonly code: string
  readonly imports: readonly Import[]
  /** Tests and what only tests use: exempt from the direction of imports. */
  readonly isTest: boolean
  readonly workspace: Workspace | undefined
}

const IMPORT =
  /(?:^|[\n;])\s*(?:import|export)\s(?:([^'";]*?)\sfrom\s)?\s*['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/g

export function readSources(files: readonly string[], workspaces: readonly Workspace[]): Source[] {
  return files
    .filter((path) => path.endsWith('.ts') || path.endsWith('.tsx'))
    .map((path) => {
      const text = readText(path)
      const code = stripComments(text)
      return {
        path,
        text,
        code,
        imports: findImports(path, code),
        isTest: isTest(path),
        workspace: workspaces.find(({ folder }) => path.startsWith(`${folder}/`)),
      }
    })
}

/** What `code`, which has no comments, imports. */
export function findImports(from: string, code: string): Import[] {
  return [...code.matchAll(IMPORT)].map((match) => {
    const specifier = match[2] ?? match[3] ?? ''
    const names = (match[1] ?? '')
      .replaceAll(/[{},]|\btype\b/g, ' ')
      .trim()
      .split(/\s+/)
    const path = specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : undefined
    return { specifier, names, path }
  })
}

function isTest(path: string): boolean {
  return (
    /\.(test|scenario)\.ts$/.test(path) ||
    /(^|\/)_[^/]+\.ts$/.test(path) ||
    path.startsWith('test/') ||
    /^(packages|services)\/[^/]+\/test\//.test(path)
  )
}

/** Takes comments out; knows strings and template strings well enough not to be fooled by `//` in a URL. */
export function stripComments(text: string): string {
  return text.replaceAll(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`)|\/\*[\s\S]*?\*\/|(?<![\\/])\/\/[^\n]*/g,
    (_match, literal: string | undefined) => literal ?? '',
  )
}

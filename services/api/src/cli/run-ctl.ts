/** `ctl`: every verb of the registry, and those that work on the data directory of a stopped server. */
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { errorCode, OperationalError } from '@sealpost/errors'
import { systemClock } from '@sealpost/runtime'
import { UPLOAD_TYPES, type UploadType } from '../commands/command.ts'
import { commands } from '../commands/index.ts'
import {
  bindArguments,
  COMMON_OPTIONS,
  splitWords,
  usageOf,
  UsageError,
  type CommonOption,
  type Invocation,
  type Verb,
  type Words,
} from './arguments.ts'
import { ask, post, RefusedError, send, type OnProgress, type Target } from './client.ts'
import type { Ask } from './key-audit/key-audit.ts'
import { keyAuditVerb } from './key-audit/key-audit-verb.ts'
import { importPreviewVerb, importRunVerb } from './import/import-verbs.ts'
import { keyImportVerb } from './key-import/key-import-verb.ts'

/** A verb that talks to no server: it works on files of the data directory. */
export interface LocalVerb {
  readonly noun: string
  readonly verb: string
  readonly summary: string
  readonly options?: Readonly<Record<string, { readonly value: string; readonly help: string }>>
  /** Answers with what to print. Refuses with an OperationalError, whose message is shown. */
  run(dataDir: string, given: LocalArguments): Promise<string>
}

export interface LocalArguments {
  readonly options: ReadonlyMap<string, string>
  /** How far it is, for a person who waits. */
  readonly progress: OnProgress
}

/** A verb of other routes of a server than those of the registry. */
export interface RouteVerb {
  readonly noun: string
  readonly verb: string
  /** In upper case, as the usage says them. */
  readonly parameters: readonly string[]
  readonly options: Readonly<Record<string, { readonly value: string; readonly help: string }>>
  readonly summary: string
  run(given: RouteArguments): Promise<{ readonly result: unknown; readonly text: string }>
}

export interface RouteArguments {
  readonly positional: readonly string[]
  readonly options: ReadonlyMap<string, string>
  readonly dataDir: string
  readonly ask: Ask
  readonly post: Post
  readonly upload: Upload
  /** How far it is, for a person who waits. */
  readonly progress: OnProgress
}

/** Sends content of a type to a path, and answers with the result; `progress` hears how far the server is. Throws RefusedError. */
export type Upload = (
  path: string,
  contentType: UploadType,
  content: AsyncIterable<Uint8Array>,
) => Promise<unknown>

/** Sends bytes to a path. Throws RefusedError when the server cannot be reached. */
export type Post = (
  path: string,
  body: Buffer,
) => Promise<{ readonly status: number; readonly answer: unknown }>

const routeVerbs: readonly RouteVerb[] = [importPreviewVerb, importRunVerb, keyAuditVerb, keyImportVerb]

export interface CtlEnvironment {
  readonly dataDir: string
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly localVerbs: readonly LocalVerb[]
}

const SECRET_BYTES_MAX = 4_096

/** Runs one command line; answers with the exit code: 0, 1 (refused), 2 (usage). */
export async function runCtl(argv: readonly string[], env: CtlEnvironment): Promise<0 | 1 | 2> {
  let json = false
  try {
    const words = splitWords(argv)
    json = words.options.has('json')
    if (words.options.has('help') || words.positional.length === 0) return help(words, env)
    env.stdout.write(`${await execute(words, env, json)}\n`)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      env.stderr.write(`${error.message}\n`)
      return 2
    }
    if (!(error instanceof RefusedError)) throw error
    if (json && error.problem !== undefined) env.stdout.write(`${JSON.stringify(error.problem)}\n`)
    env.stderr.write(`${error.message}\n`)
    return 1
  }
}

const verbs: readonly Verb[] = commands.flatMap((command) =>
  (command.lines ?? []).map((line) => ({ command, line })),
)

async function execute(words: Words, env: CtlEnvironment, json: boolean): Promise<string> {
  const [noun, name, ...positional] = words.positional
  const dataDir = words.options.get('data-dir') ?? env.dataDir
  const local = env.localVerbs.find((each) => each.noun === noun && each.verb === name)
  if (local) {
    const done = await runLocal(local, { positional, options: words.options }, dataDir, env)
    return json ? JSON.stringify({ done }) : done
  }
  const route = routeVerbs.find((each) => each.noun === noun && each.verb === name)
  if (route) {
    const { result, text } = await runRoute(route, { positional, options: words.options }, dataDir, env)
    return json ? JSON.stringify(result) : text
  }
  const verb = verbs.find(({ line }) => isNamed(line, words.positional))
  if (verb === undefined) throw new UsageError(unknownVerb(noun, env))
  const given = words.positional.slice(1 + wordsOf(verb.line).length)
  const invocation = bindArguments(verb, { positional: given, options: words.options })
  const result = await call(invocation, targetOf(words, dataDir), env, words.options.get('because'))
  if (typeof result === 'string') return result.trimEnd() // a file
  return json ? JSON.stringify(result) : verb.line.print(result)
}

/** Of a verb: one, two, or none. */
function wordsOf({ verb }: Pick<Verb['line'], 'verb'>): readonly string[] {
  return verb === '' ? [] : verb.split(' ')
}

/** Whether the words begin with this noun and the words of this verb. */
function isNamed({ noun, verb }: Verb['line'], words: readonly string[]): boolean {
  return [noun, ...wordsOf({ verb })].every((word, place) => words[place] === word)
}

async function runLocal(
  verb: LocalVerb,
  { positional, options }: Words,
  dataDir: string,
  env: CtlEnvironment,
): Promise<string> {
  const plain = { parameters: [], options: {}, ...verb }
  if (positional.length > 0) throw new UsageError(`Usage: ${routeUsage(plain)}`)
  assertKnown(options, plain)
  const line = progressLine(env)
  try {
    return await verb.run(dataDir, { options, progress: line.show })
  } catch (error) {
    if (error instanceof OperationalError) throw new RefusedError(error.message)
    throw new RefusedError(`The data directory cannot be changed: ${errorCode(error)}`)
  } finally {
    line.end()
  }
}

type Described = Pick<RouteVerb, 'noun' | 'verb' | 'parameters' | 'options'>

function assertKnown(options: ReadonlyMap<string, string>, verb: Described): void {
  for (const option of options.keys())
    if (!(option in verb.options) && !(option in COMMON_OPTIONS))
      throw new UsageError(`There is no option --${option} here. Usage: ${routeUsage(verb)}`)
}

async function runRoute(
  verb: RouteVerb,
  { positional, options }: Words,
  dataDir: string,
  env: CtlEnvironment,
): ReturnType<RouteVerb['run']> {
  if (positional.length !== verb.parameters.length) throw new UsageError(`Usage: ${routeUsage(verb)}`)
  assertKnown(options, verb)
  const target = targetOf({ positional, options }, dataDir)
  const reason = options.get('because')
  const line = progressLine(env)
  try {
    return await verb.run({
      positional,
      options,
      dataDir,
      ask: (path, bytesMax) => ask(target, path, bytesMax, systemClock),
      post: (path, body) => post(target, path, body),
      upload: (path, contentType, content) =>
        send(target, { method: 'POST', path, body: undefined, contentType, content, reason }, line.show),
      progress: line.show,
    })
  } finally {
    line.end()
  }
}

function routeUsage({ noun, verb, parameters, options }: Described): string {
  const optional = Object.entries(options).map(([name, { value }]) => `[--${name} ${value}]`)
  return [noun, verb, ...parameters, ...optional].join(' ')
}

async function call(
  { verb, path, body, stdin, file }: Invocation,
  target: Target,
  env: CtlEnvironment,
  reason: string | undefined,
): Promise<unknown> {
  const { method, upload } = verb.command
  if (file !== undefined && !existsSync(file)) throw new UsageError('There is no such file to send')
  const secret = stdin === undefined ? {} : { [stdin]: await readSecret(env.stdin) }
  const progress = progressLine(env)
  try {
    return await send(
      target,
      {
        method,
        path,
        content: file === undefined ? undefined : createReadStream(file),
        contentType: upload && file !== undefined ? typeOf(upload.types, file) : undefined,
        body: body === undefined ? undefined : { ...body, ...secret },
        reason,
      },
      progress.show,
    )
  } finally {
    progress.end()
  }
}

/** By how its name ends; the first of the types where that says nothing. */
function typeOf(types: readonly UploadType[], file: string): UploadType | undefined {
  return types.find((type) => UPLOAD_TYPES[type].some((end) => file.endsWith(end))) ?? types[0]
}

/** The first line of standard input. */
async function readSecret(stdin: Readable): Promise<string> {
  let text = ''
  stdin.setEncoding('utf8')
  for await (const chunk of stdin as AsyncIterable<string>) {
    text += chunk
    if (text.includes('\n') || text.length > SECRET_BYTES_MAX) break
  }
  const [line = ''] = text.split(/\r?\n/)
  if (line === '' || line.length > SECRET_BYTES_MAX)
    throw new UsageError('Standard input must begin with a line that is the password')
  return line
}

function progressLine({ stderr }: CtlEnvironment) {
  let shown = false
  return {
    show: (counts: Readonly<Record<string, number>>) => {
      if (stderr.isTTY !== true) return
      const words = Object.entries(counts).map(([name, count]) => `${String(count)} ${name}`)
      stderr.write(`\r\u001b[K${words.join(', ')}`)
      shown = true
    },
    end: () => {
      if (shown) stderr.write('\r\u001b[K')
    },
  }
}

function targetOf({ options }: Words, dataDir: string): Target {
  const url = options.get('url')
  if (url === undefined) {
    if (options.has('key-file')) throw new UsageError('--key-file is for --url; a server here needs no key')
    return { socketPath: join(dataDir, 'ctl.sock') }
  }
  if (!URL.canParse(url)) throw new UsageError('--url must be like https://HOST:PORT')
  const parsed = new URL(url)
  if (parsed.protocol !== 'https:' && !isLoopback(parsed))
    throw new UsageError('--url must be https, or http on loopback')
  const keyFile = options.get('key-file')
  const caFile = options.get('ca-file') ?? localCa(dataDir)
  return {
    url: parsed,
    key: keyFile === undefined ? undefined : readFile('key-file', keyFile).trim(),
    ca: caFile === undefined ? undefined : readFile('ca-file', caFile),
  }
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return (
    protocol === 'http:' &&
    (hostname === 'localhost' ||
      hostname === '[::1]' ||
      (isIP(hostname) === 4 && hostname.startsWith('127.')))
  )
}

function localCa(dataDir: string): string | undefined {
  const path = join(dataDir, 'tls', 'ca.pem')
  return existsSync(path) ? path : undefined
}

function readFile(option: CommonOption, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new UsageError(`--${option} names a file that cannot be read`)
  }
}

function unknownVerb(noun: string | undefined, env: CtlEnvironment): string {
  const known = [
    ...new Set([...verbs.map(({ line }) => line), ...routeVerbs, ...env.localVerbs].map((each) => each.noun)),
  ]
  const siblings = verbs.filter(({ line }) => line.noun === noun)
  if (siblings.length === 0) return `Nouns are ${known.join(', ')}; ctl --help lists all verbs`
  return ['Verbs are:', ...siblings.map((verb) => `  ${usageOf(verb)}`)].join('\n')
}

function help({ positional: [noun, name] }: Words, { stdout, localVerbs }: CtlEnvironment): 0 {
  const isAsked = (each: { noun: string; verb: string }) =>
    (noun === undefined || each.noun === noun) && (name === undefined || each.verb.split(' ')[0] === name)
  const lines = ['Usage: ctl NOUN VERB …', '']
  for (const verb of verbs.filter(({ line }) => isAsked(line))) {
    lines.push(`  ${usageOf(verb)}`, `      ${verb.command.summary}`)
  }
  const others = [...routeVerbs, ...localVerbs.map((verb) => ({ parameters: [], options: {}, ...verb }))]
  for (const verb of others.filter(isAsked)) {
    lines.push(`  ${routeUsage(verb)}`, `      ${verb.summary}`)
    for (const [option, { value, help: text }] of Object.entries(verb.options))
      lines.push(`      ${`--${option} ${value}`.padEnd(20)}${text}`)
  }
  lines.push('', 'Options of all verbs:')
  for (const [option, { value, help: text }] of Object.entries(COMMON_OPTIONS)) {
    lines.push(`  ${`--${option} ${value ?? ''}`.padEnd(18)}${text}`)
  }
  lines.push('', 'Exit code: 0 done, 1 refused, 2 wrong usage.')
  stdout.write(`${lines.join('\n')}\n`)
  return 0
}

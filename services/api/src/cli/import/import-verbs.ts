/** `ctl import preview|run PATH`: users of another server, from its export. The server reads it; here it is found, sent, and told what came of it. */
import { resolve } from 'node:path'
import type { Static } from '@sealpost/http'
import type { portableReport } from '../../commands/imports.ts'
import { RefusedError } from '../client.ts'
import type { RouteArguments, RouteVerb } from '../run-ctl.ts'
import { openSource, SOURCES, type Source, type SourceName } from './sources.ts'

type Report = Static<typeof portableReport>

const options = {
  from: {
    value: SOURCES.join('|'),
    help: 'what PATH is: an XML file or a directory of them, as Prosody and ejabberd export (xep-0227, unless given); the mailboxes of chatmail; the answer of Mailcow’s API',
  },
} as const

export const importPreviewVerb: RouteVerb = {
  noun: 'import',
  verb: 'preview',
  parameters: ['PATH'],
  options,
  summary:
    'Say what an import of another server’s users would do: who is new, whose names are taken, what stays behind',
  run: (given) => run(given, '/v1/import/preview', 'would be '),
}

export const importRunVerb: RouteVerb = {
  noun: 'import',
  verb: 'run',
  parameters: ['PATH'],
  options,
  summary:
    'Import another server’s users: accounts, contacts, published keys, bookmarks. Cut off or repeated, it completes what is missing',
  run: (given) => run(given, '/v1/import', ''),
}

async function run({ positional, options: given, upload }: RouteArguments, path: string, mood: string) {
  const from = given.get('from') ?? 'xep-0227'
  const name = SOURCES.find((each) => each === from)
  if (name === undefined) throw new RefusedError(`It is --from ${SOURCES.join(', ')}`)
  const source = await openSource(name, resolve(positional[0] ?? ''))
  const report = (await upload(path, 'application/xml', source.content)) as Report
  return { result: { ...report, sources: source.names }, text: lines(report, source, name, mood).join('\n') }
}

const LEFT_OUT: Readonly<Record<string, string>> = {
  offline_messages: 'queues of waiting messages: they were not for devices of this server',
  archives: 'archives of messages: this server keeps none',
  privacy_lists: 'privacy lists: blocked addresses are chosen anew',
  extensions: 'elements that this server does not know',
  includes: 'files that are named in others: give the directory that has them all',
  too_large: 'elements that are too large',
  malformed: 'elements that cannot be read',
  inactive: 'mailboxes that are not active',
  unnamed: 'mailboxes without an address',
}

const PROBLEMS: Readonly<Record<string, string>> = {
  exists: 'somebody has this name, and nothing of theirs is changed',
  retired: 'the name belonged to an account that is gone, and is never given again',
  reserved: 'the name is kept for the server',
  username: 'a name that no address can have',
  domain: 'the domain is not served here (SEALPOST_DOMAIN)',
  'too-many-links': 'there are too many links; import the rest on its own',
}

const PROBLEMS_PRINTED = 100

function lines(report: Report, source: Source, name: SourceName, mood: string): string[] {
  const { created, completed, exists, invalid, credentials, chat } = report
  return [
    `${String(created)} accounts ${mood}created, ${String(completed)} completed, ${String(exists)} are somebody's, ${String(invalid)} cannot be imported`,
    `${String(chat.contacts)} contacts, ${String(chat.items)} published items, ${String(chat.elements)} private elements; ${String(chat.refused)} ${mood}refused`,
    ...howTheySignIn(credentials, name),
    ...Object.entries({ ...report.left_out, ...source.leftOut })
      .filter(([, count]) => count > 0)
      .map(([kind, count]) => `left out: ${String(count)} ${LEFT_OUT[kind] ?? kind}`),
    ...report.problems.slice(0, PROBLEMS_PRINTED).map((problem) => problemLine(problem, source)),
    ...(report.problems.length > PROBLEMS_PRINTED ? ['… (all of them with --json)'] : []),
    ...report.links.map(({ jid, url, expires_at: until }) => `${jid}: ${url} until ${until.slice(0, 10)}`),
  ]
}

function howTheySignIn({ password, verifier, link }: Report['credentials'], name: SourceName): string[] {
  return [
    ...(password > 0 ? [`${String(password)} sign in with their password`] : []),
    ...(verifier > 0
      ? [
          `${String(verifier)} sign in with their password: once at the page of their account or by mail, then everywhere`,
        ]
      : []),
    ...(link > 0
      ? [
          `${String(link)} choose a password by a link${name === 'xep-0227' ? '' : ': hashes of this source cannot be taken over'}`,
        ]
      : []),
  ]
}

function problemLine({ document, jid, problem }: Report['problems'][number], { names }: Source): string {
  const where = jid ?? names[document - 1] ?? `document ${String(document)}`
  if (problem.startsWith('broken: '))
    return `${where}: the file is not well-formed from some place on (${problem.slice(8)})`
  return `${where}: ${PROBLEMS[problem] ?? problem}`
}

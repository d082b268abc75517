/** Accounts that come from another server with what it knew of them: XEP-0227. */
import { assert } from '@sealpost/errors'
import { Type, type Static } from '@sealpost/http'
import { PORTABLE_LINKS_MAX, type PortableReport } from '../import/import-portable.ts'
import { LEFT_OUT } from '../import/portable-users.ts'
import { defineCommand, type Command, type CommandContext } from './command.ts'

export const portableReport = Type.Object({
  created: Type.Integer({ description: 'Accounts that were made' }),
  completed: Type.Integer({
    description: 'Accounts that were there and that nobody could sign in to: what was missing was added',
  }),
  exists: Type.Integer({ description: 'Accounts of somebody, which stay as they are' }),
  invalid: Type.Integer({ description: 'Not imported; problems say why' }),
  credentials: Type.Object(
    { password: Type.Integer(), verifier: Type.Integer(), link: Type.Integer() },
    {
      description:
        'How owners sign in: with their password; with their password, at first where it is sent as such (the page of the account, mail submission); by a link',
    },
  ),
  chat: Type.Object(
    {
      contacts: Type.Integer(),
      items: Type.Integer(),
      elements: Type.Integer(),
      refused: Type.Integer(),
    },
    { description: 'Contacts, published items, private elements and vCards; and what is beyond the bounds' },
  ),
  left_out: Type.Object(Object.fromEntries(LEFT_OUT.map((kind) => [kind, Type.Integer()])), {
    description: 'What the documents have and no account gets',
  }),
  problems: Type.Array(
    Type.Object({
      document: Type.Integer({ description: 'Which one of the upload, from 1' }),
      jid: Type.Optional(Type.String()),
      problem: Type.String(),
    }),
    { description: 'The first 1,000 users, and documents that broke off' },
  ),
  links: Type.Array(
    Type.Object({
      jid: Type.String(),
      url: Type.String({ format: 'uri', description: 'Works once: its owner chooses a password there' }),
      expires_at: Type.String({ format: 'date-time' }),
    }),
    { description: `${String(PORTABLE_LINKS_MAX)} at most; none in a preview` },
  ),
})

function show({ links }: CommandContext, report: PortableReport): Static<typeof portableReport> {
  const { created, completed, exists, invalid, credentials, chat, leftOut } = report
  return {
    created,
    completed,
    exists,
    invalid,
    credentials,
    chat,
    left_out: leftOut,
    problems: report.problems.map(({ document, jid, problem }) => ({
      document,
      ...(jid === undefined ? {} : { jid }),
      problem,
    })),
    links: report.links.map(({ jid, token, expiresAt }) => ({
      jid,
      url: links.enrolment(token),
      expires_at: new Date(expiresAt).toISOString(),
    })),
  }
}

const upload = {
  types: ['application/xml'],
  description:
    'A document of XEP-0227, or several with a form feed (U+000C) between them, so that a broken one does not spoil the next',
} as const

const records = ['created', 'completed', 'exists', 'invalid'] as const

interface ImportWords extends Pick<Command, 'name' | 'summary' | 'path'> {
  readonly preview: boolean
}

function portableImport({ preview, ...words }: ImportWords): Command {
  return defineCommand({
    ...words,
    method: 'POST',
    access: 'accounts:write',
    upload,
    records,
    status: 200,
    response: portableReport,
    async handle(context, { upload: body, uploadType, progress: onProgress, signal }) {
      assert(uploadType === 'application/xml')
      return show(context, await context.imports.portable(body, { preview, onProgress }, signal))
    },
  })
}

export const importCommands: readonly Command[] = [
  portableImport({
    name: 'import.preview',
    summary: 'Say what an import of another server’s users (XEP-0227) would do; nothing is changed',
    path: '/v1/import/preview',
    preview: true,
  }),
  portableImport({
    name: 'import.run',
    summary:
      'Import another server’s users (XEP-0227): accounts, contacts, published keys and bookmarks. Repeating it completes what is missing',
    path: '/v1/import',
    preview: false,
  }),
]

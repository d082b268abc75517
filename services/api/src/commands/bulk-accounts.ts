/** Commands about many accounts at once: made from a file, and written to one. */
import {
  type Account,
  type AccountQuery,
  DEFAULT_PLAN,
  IMPORT_LINKS_MAX,
  type ImportReport,
  type Page,
} from '@sealpost/accounts'
import { assert } from '@sealpost/errors'
import { Type, type Static } from '@sealpost/http'
import { showAccount } from './account-schema.ts'
import { accountFilters, readFilters } from './accounts.ts'
import { defineCommand, type Command, type CommandContext } from './command.ts'
import { FileAnswer } from './file-answer.ts'

const reportSchema = Type.Object({
  created: Type.Integer(),
  exists: Type.Integer({ description: 'Were there before and stay as they are' }),
  invalid: Type.Integer(),
  problems: Type.Array(Type.Object({ line: Type.Integer(), problem: Type.String() }), {
    description: 'The first 1,000 lines that created nothing; numbers and codes only',
  }),
  links: Type.Array(
    Type.Object({
      line: Type.Integer(),
      url: Type.String({ format: 'uri', description: 'Works once: its owner chooses a password there' }),
      expires_at: Type.String({ format: 'date-time' }),
    }),
    {
      description: `Of lines without a password, ${String(IMPORT_LINKS_MAX)} at most, also where the account was made before and nobody has chosen one`,
    },
  ),
})

function showReport({ links }: CommandContext, report: ImportReport): Static<typeof reportSchema> {
  return {
    ...report,
    problems: [...report.problems],
    links: report.links.map(({ line, token, expiresAt }) => ({
      line,
      url: links.enrolment(token),
      expires_at: new Date(expiresAt).toISOString(),
    })),
  }
}

const importAccounts = defineCommand({
  name: 'account.import',
  summary:
    'Create accounts from CSV (username,password a line) or JSON lines; repeating it creates what is missing',
  method: 'POST',
  path: '/v1/accounts/import',
  access: 'accounts:write',
  upload: {
    types: ['text/csv', 'application/x-ndjson'],
    description:
      'A line for each account. CSV: a header is recognised. JSON: {"jid", "password", "organisation", "plan"}, all but the first of which may be left out; without a password a link is made',
  },
  status: 200,
  response: reportSchema,
  async handle(context, { upload, uploadType, progress, signal }) {
    assert(uploadType !== undefined && uploadType !== 'application/xml')
    return showReport(context, await context.imports.accounts(upload, uploadType, progress, signal))
  },
  lines: [{ noun: 'account', verb: 'import', print: printReport }],
})

const PROBLEMS_PRINTED = 20

function printReport({ created, exists, invalid, problems, links }: Static<typeof reportSchema>): string {
  const lines = [`${String(created)} created, ${String(exists)} existed, ${String(invalid)} invalid`]
  for (const { line, problem } of problems.slice(0, PROBLEMS_PRINTED))
    lines.push(`line ${String(line)}: ${problem}`)
  if (problems.length > PROBLEMS_PRINTED) lines.push('… (all of them with --json)')
  for (const { line, url } of links) lines.push(`line ${String(line)}: ${url}`)
  return lines.join('\n')
}

const PAGE = 200

const exportAccounts = defineCommand({
  name: 'account.export-all',
  summary:
    'Export accounts as JSON lines: who there is, in which state, organisation and plan; no password in any form',
  method: 'GET',
  path: '/v1/accounts/export',
  access: 'accounts:read',
  reach: 'organisation',
  document: true,
  query: Type.Object(accountFilters, { additionalProperties: false }),
  status: 200,
  response: Type.String(),
  handle: async (context, { actor, query }) => {
    const filters = { ...(await readFilters(context, actor, query)), limit: PAGE }
    const first = await context.accounts.list(filters)
    return new FileAnswer('application/x-ndjson', 'accounts.jsonl', linesOf(context, filters, first))
  },
  lines: [{ noun: 'account', verb: 'export-all', print: (text) => text }],
})

async function* linesOf(
  context: CommandContext,
  filters: AccountQuery,
  first: Page<Account>,
): AsyncGenerator<string> {
  for (let page = first; ; page = await context.accounts.list({ ...filters, cursor: page.next })) {
    yield await pageOf(context, page.items)
    if (page.next === undefined) return
  }
}

async function pageOf({ accounts }: CommandContext, items: readonly Account[]): Promise<string> {
  const plans = await accounts.plans.namesOf(items.map(({ id }) => id))
  const lines = items.map((account) => ({
    ...showAccount(account),
    plan: plans.get(account.id) ?? DEFAULT_PLAN,
  }))
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

export const bulkAccounts: readonly Command[] = [importAccounts, exportAccounts]

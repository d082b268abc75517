/** Commands about the self-audits: whether what was delivered can be read from the disks, tried by the server itself. */
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { PortError, SELF_AUDIT_RESULTS, type SelfAuditState } from '@sealpost/ports'
import { type Command, type CommandContext, defineCommand } from './command.ts'
import { words } from './rights-schema.ts'

const KINDS = ['messages', 'mails'] as const
const STATES = ['idle', 'running', 'impossible', 'away'] as const
/** By what is audited: the figure of what is yet to be destroyed. */
const PENDING = { messages: 'chat.shred.pending', mails: 'mail.shred.pending' } as const
const MINUTES = 6

const auditSchema = Type.Object({
  of: words(KINDS),
  state: Type.Enum([...STATES], {
    description:
      'impossible: SELF_AUDIT_DIRS names no files beside a Postgres of your own; away: the service does not answer',
  }),
  last: Type.Optional(
    Type.Object(
      {
        at: Type.String({ format: 'date-time' }),
        result: Type.Enum([...SELF_AUDIT_RESULTS], {
          description:
            'passed; failed: something that was delivered can be read; powerless: not even what waits was found; blind: the files could not be read',
        }),
      },
      { description: 'Absent: there was none' },
    ),
  ),
  pending_seconds: Type.Optional(
    Type.Number({
      description:
        'For how long the oldest key that is to be destroyed has been on disk since; 0: there is none',
    }),
  ),
})
const auditsSchema = Type.Object({ items: Type.Array(auditSchema) })
type Audits = Static<typeof auditsSchema>

async function showAudits({ selfAudits, statistics }: CommandContext): Promise<Audits> {
  const { figures } = await statistics.overview()
  const items = KINDS.map(async (of) => {
    const now = await selfAudits[of].state().catch(unlessAway)
    const pending = figures.find(({ name }) => name === PENDING[of])?.now
    return {
      of,
      ...show(now),
      ...(pending === undefined ? {} : { pending_seconds: pending }),
    }
  })
  return { items: await Promise.all(items) }
}

function unlessAway(error: unknown): undefined {
  if (!(error instanceof PortError)) throw error
}

function show(now: SelfAuditState | undefined): Pick<Audits['items'][number], 'state' | 'last'> {
  if (now === undefined) return { state: 'away' }
  const { possible, running, last } = now
  const state = running ? 'running' : possible ? 'idle' : 'impossible'
  return last === undefined
    ? { state }
    : { state, last: { at: new Date(last.at).toISOString(), result: last.result } }
}

const showSelfAudits = defineCommand({
  name: 'self-audit.show',
  summary: 'Show whether what was delivered could be read from the disks when the server last tried',
  method: 'GET',
  path: '/v1/self-audits',
  access: 'status:read',
  status: 200,
  response: auditsSchema,
  handle: (context) => showAudits(context),
  lines: [{ noun: 'self-audit', verb: 'show', print: printAudits }],
})

const runSelfAudits = defineCommand({
  name: 'self-audit.run',
  summary: `Have the server try now, not once a week alone, whether what was delivered can be read; it takes ${String(MINUTES)} minutes and longer`,
  method: 'POST',
  path: '/v1/self-audits',
  access: 'status:write',
  status: 200,
  response: auditsSchema,
  async handle(context) {
    const { messages, mails } = context.selfAudits
    const begun = await Promise.all([messages, mails].map((each) => each.begin().catch(unlessAway)))
    if (!begun.includes(true))
      throw new HttpProblem(
        409,
        'self-audit-impossible',
        'Self-audits are under way, know no files (SELF_AUDIT_DIRS), or the services are away',
      )
    return showAudits(context)
  },
  lines: [{ noun: 'self-audit', verb: 'run', print: printAudits }],
})

function printAudits({ items }: Audits): string {
  return items
    .map(({ of, state, last, pending_seconds: pending }) =>
      [
        of.padEnd(9),
        state.padEnd(11),
        last === undefined ? 'none yet' : `${last.result} at ${last.at}`,
        ...(pending === undefined || pending === 0
          ? []
          : [`, keys to be destroyed wait for ${String(pending)} s`]),
      ].join(' '),
    )
    .join('\n')
}

export const selfAuditCommands: readonly Command[] = [showSelfAudits, runSelfAudits]

/** A command of the registry for who asks by other ways than HTTP: refusals are answers. */
import { Readable } from 'node:stream'
import { HttpProblem, violations } from '@sealpost/http'
import type { KeyedOutcome } from '@sealpost/ports'
import type { ApiEvents } from '../events.ts'
import { toHttpProblem } from '../routes/problems.ts'
import type { Actor, Command, CommandContext } from './command.ts'
import { dispatch } from './dispatch.ts'
import { schemasOf, type Filled } from './fields.ts'

export interface Registry {
  readonly commands: readonly Command[]
  readonly context: CommandContext
  readonly events: Pick<ApiEvents, 'auditFailed' | 'tokenRefused'>
}

const NOT_OVER_HTTP = {
  idempotencyKey: undefined,
  reason: undefined,
  uploadType: undefined,
  progress: () => undefined,
  signal: new AbortController().signal,
} as const

/** What is given is checked against the command's schemas first. Rejects when it could not be carried out, as over HTTP with 500. */
export async function carryOut(
  { context, events }: Pick<Registry, 'context' | 'events'>,
  command: Command,
  asked: Filled & { readonly actor: Actor },
): Promise<KeyedOutcome> {
  const complaint = complain(command, asked)
  if (complaint !== undefined) return { result: 'refused', status: 422, text: complaint }
  const request = { ...asked, ...NOT_OVER_HTTP, upload: Readable.from([]) }
  try {
    return { result: 'done', answer: await dispatch(command, context, request, events) }
  } catch (error) {
    const problem = toHttpProblem(error)
    if (!(problem instanceof HttpProblem) || problem.status >= 500) throw error
    return { result: 'refused', status: problem.status, text: problem.title }
  }
}

function complain(command: Command, filled: Filled): string | undefined {
  const found = schemasOf(command).flatMap(([place, schema]) => violations(schema, filled[place]))
  if (found.length === 0) return undefined
  return found.map(({ pointer, detail }) => `${pointer.slice(2) || 'form'}: ${detail}`).join('\n')
}

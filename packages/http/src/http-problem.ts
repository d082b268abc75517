/** RFC 9457 Problem Details for HTTP APIs. */
import { STATUS_CODES } from 'node:http'
import { OperationalError } from '@sealpost/errors'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'

/**
 * An answer of 4xx or 5xx with a stable type. `type` is a word of ours (`account-exists`) or a URI; `title` is fixed text;
 * `extra` are members besides (RFC 9457 §3.2), `detail` among them: it never quotes what the client sent.
 */
export class HttpProblem extends OperationalError {
  override name = 'HttpProblem'
  readonly status: number
  readonly type: string
  readonly title: string
  readonly extra: Readonly<Record<string, unknown>>

  constructor(status: number, type: string, title: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(`HTTP_${String(status)}`, title)
    this.status = status
    this.type = type
    this.title = title
    this.extra = extra
  }
}

/** For the response schemas of routes: `response: { 200: …, '4xx': problemSchema }`. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ format: 'uri-reference' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.Optional(Type.String()),
  },
  { $id: 'Problem', additionalProperties: true, description: 'RFC 9457 problem details' },
)

/** A problem that has no type of its own: the status says all (RFC 9457 §4.2.1). */
export function plainProblem(status: number): HttpProblem {
  return new HttpProblem(status, 'about:blank', STATUS_CODES[status] ?? 'Error')
}

/** Answers with the problem; as a string, so that no response schema drops a member. */
export function sendProblem(reply: FastifyReply, problem: HttpProblem): FastifyReply {
  const type = problem.type.includes(':') ? problem.type : `urn:sealpost:problem:${problem.type}`
  const body = { ...problem.extra, type, title: problem.title, status: problem.status }
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(body))
}

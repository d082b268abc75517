import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { FastifyError, FastifyInstance } from 'fastify'
import { HttpProblem, plainProblem, sendProblem } from './http-problem.ts'

/** How many validation errors one answer lists. */
const VALIDATION_ERRORS_MAX = 20

/** What a client gets for anything that went wrong; unknown errors are one coded log line and a 500 that says nothing. */
export function toProblem(error: unknown, log: Log): HttpProblem {
  if (error instanceof HttpProblem) return error
  const { statusCode, validation, validationContext } = error as Partial<FastifyError>
  if (validation !== undefined) {
    const errors = describe(validation)
    return new HttpProblem(400, 'validation', 'The request does not match the schema', {
      in: validationContext ?? 'body',
      errors,
    })
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) return plainProblem(statusCode)
  log.error('http_failed', { code: errorCode(error) })
  return plainProblem(500)
}

/** One finding for each place: a union complains of each of its members. */
function describe(
  validation: NonNullable<FastifyError['validation']>,
): { pointer: string; detail: string }[] {
  const byPlace = new Map<string, string>()
  for (const { instancePath, keyword, message = 'is not valid' } of validation)
    byPlace.set(instancePath, keyword === 'const' ? 'is not one of the values allowed here' : message)
  return [...byPlace]
    .slice(0, VALIDATION_ERRORS_MAX)
    .map(([place, detail]) => ({ pointer: `#${place}`, detail }))
}

/** Routes every kind of failure of `app` through toProblem. */
export function answerWithProblems(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, toProblem(error, log)))
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (_request, reply) =>
    sendProblem(reply, plainProblem(404)),
  )
}

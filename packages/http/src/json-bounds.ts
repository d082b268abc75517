/**
 * JSON within bounds: `JSON.parse` takes more than a second for two megabytes of brackets, during which nobody else is answered. What is inside of strings costs next to
 * nothing.
 */
import type { FastifyInstance } from 'fastify'
import { HttpProblem } from './http-problem.ts'

export interface JsonBounds {
  /** Arrays and objects in each other. */
  readonly depthMax: number
  /** Members and elements in all, more or less: commas and brackets outside of strings are counted. */
  readonly valuesMax: number
}

/** Bodies that have more are refused with 400, for this app and what is registered in it. */
export function boundJson(app: FastifyInstance, bounds: JsonBounds): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (isWithin(body, bounds)) void parse(request, body.toString(), done)
    else
      done(new HttpProblem(400, 'json-too-deep', 'The body has more in it than can be asked for'), undefined)
  })
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c]
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b])
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d])

/** Of text that is no JSON it says nothing. */
export function isWithin(body: Buffer, { depthMax, valuesMax }: JsonBounds): boolean {
  let [depth, values] = [0, 0]
  for (let at = 0; at < body.length; at += 1) {
    const octet = body[at] ?? 0
    if (octet === QUOTE) at = endOfString(body, at)
    else if (OPENING.has(octet)) [depth, values] = [depth + 1, values + 1]
    else if (CLOSING.has(octet)) depth -= 1
    else if (octet === COMMA) values += 1
    if (depth > depthMax || values > valuesMax) return false
  }
  return true
}

/** Where the string that begins at `start` has its closing quote; the end of the body when it has none. */
function endOfString(body: Buffer, start: number): number {
  let end = body.indexOf(QUOTE, start + 1)
  while (end >= 0 && isEscaped(body, end)) end = body.indexOf(QUOTE, end + 1)
  return end < 0 ? body.length : end
}

/** Behind an odd number of backslashes. */
function isEscaped(body: Buffer, at: number): boolean {
  let first = at
  while (body[first - 1] === BACKSLASH) first -= 1
  return (at - first) % 2 === 1
}

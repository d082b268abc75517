/** The one way to the API: same origin, cookie of the session, JSON both ways. */
import type { Answer, Input, Method, PathOf } from './operations.ts'
import { Problem, readProblem } from './problem.ts'

type Fields = Readonly<Record<string, string | number | undefined>>

/** As they are sent, whatever the operation. */
export interface RequestOptions {
  /** Put into `{name}` of the path. */
  readonly params?: object
  readonly query?: object
  /** A file goes as it is, with its type. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Shown with every request that changes something; given by the session. */
let csrfToken: string | undefined

export function setCsrfToken(token: string | undefined): void {
  csrfToken = token
}

/** Throws Problem, or the AbortError of the signal. */
export async function request<M extends Method, P extends PathOf<M>>(
  method: M,
  path: P,
  options: Input<M, P> & Pick<RequestOptions, 'headers' | 'signal'>,
): Promise<Answer<M, P>> {
  const response = await send(method, path, options)
  if (!response.ok) throw await readProblem(response)
  return (response.status === 204 ? undefined : await response.json()) as Answer<M, P>
}

async function send(method: Method, path: string, options: RequestOptions): Promise<Response> {
  const { body, signal } = options
  const isFile = body instanceof Blob
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers }
  if (method !== 'GET' && csrfToken !== undefined) headers['x-csrf-token'] = csrfToken
  if (body !== undefined) headers['content-type'] = isFile ? body.type : 'application/json'
  const payload = isFile || body === undefined ? body : JSON.stringify(body)
  try {
    return await fetch(address(path, options), {
      method,
      headers,
      body: payload,
      signal,
      credentials: 'same-origin',
    })
  } catch (error) {
    if (signal?.aborted === true) throw error
    throw new Problem('unreachable', 'The server does not answer', 0)
  }
}

/** The address of a path with its parameters; for links to files, too. */
export function address(
  path: string,
  { params = {}, query = {} }: Pick<RequestOptions, 'params' | 'query'>,
): string {
  const fields = params as Fields
  const filled = path.replaceAll(/\{(\w+)\}/g, (_match, name: string) =>
    encodeURIComponent(String(fields[name] ?? '')),
  )
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (isGiven(value)) search.set(name, String(value))
  return search.size === 0 ? filled : `${filled}?${search.toString()}`
}

/** What is left open in a filter is not asked for. */
function isGiven(value: unknown): value is string | number | boolean {
  return value !== undefined && value !== null && value !== ''
}

/** The one way to the API: same origin, cookie of the session, JSON both ways. */
import { Problem, readProblem } from './problem.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Scalar = string | number | boolean

export interface RequestOptions {
  /** Put into `{name}` of the path. */
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, Scalar | undefined>>
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
export async function request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(method, path, options)
  if (!response.ok) throw await readProblem(response)
  return (response.status === 204 ? undefined : await response.json()) as T
}

async function send(method: Method, path: string, options: RequestOptions): Promise<Response> {
  const { body, signal } = options
  const isFile = body instanceof Blob
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers }
  if (method !== 'GET' && csrfToken !== undefined) headers['x-csrf-token'] = csrfToken
  if (body !== undefined && !isFile) headers['content-type'] = 'application/json'
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
  const filled = path.replaceAll(/\{(\w+)\}/g, (_match, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  )
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') search.set(name, String(value))
  return search.size === 0 ? filled : `${filled}?${search.toString()}`
}

/** A typed client of the API, for browsers and for Node: openapi-fetch with the types of our OpenAPI document. */
import createClient, { type Client } from 'openapi-fetch'
import type { ApiPaths } from './paths.ts'

export type { ApiPaths, Problem } from './paths.ts'

export type ApiClient = Client<ApiPaths>

export interface ApiClientOptions {
  /** `https://HOST:PORT`; unless given that of the page on which it runs. */
  readonly origin?: string
  /** An API key. Without one the session of the browser tells who asks. */
  readonly key?: string
  /** Instead of the platform's, for tests and for whoever brings certificates of their own. */
  readonly fetch?: (request: Request) => Promise<Response>
}

/** Answers are `{ data }` or `{ error }`, a Problem; what never arrived rejects. */
export function createApiClient({ origin = '', key, fetch }: ApiClientOptions = {}): ApiClient {
  return createClient<ApiPaths>({
    baseUrl: origin,
    credentials: 'same-origin',
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
    ...(fetch === undefined ? {} : { fetch }),
  })
}

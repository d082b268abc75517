import type { HttpOptions, HttpServer } from './create-http.ts'

/** As create-http.ts says. Fastify is loaded by the first call: `ctl`, which needs schemas and problems of this package and serves nothing, is there in less time. */
export async function createHttp(options: HttpOptions): Promise<HttpServer> {
  const { createHttp: create } = await import('./create-http.ts')
  return create(options)
}

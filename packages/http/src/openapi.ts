import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'

const VERSION = '0.1.0'

/** Serves the OpenAPI 3.1 document of all routes registered after this, except hidden ones, at GET /v1/openapi.json. */
export async function describeRoutes(app: FastifyInstance, title: string): Promise<void> {
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title, version: VERSION } },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      for (const path of Object.values(document.openapiObject.paths ?? {})) nameProblems(path)
      return document.openapiObject
    },
  })
  app.get('/v1/openapi.json', { schema: { hide: true } }, () => app.swagger())
}

interface Described {
  responses?: Record<string, { content?: Record<string, unknown> }>
}

/** Answers of 4xx and 5xx are all problem details; the generator calls them plain JSON. */
function nameProblems(path: object | undefined): void {
  for (const operation of Object.values(path ?? {}) as Described[])
    for (const [status, response] of Object.entries(operation.responses ?? {})) {
      const json = response.content?.['application/json']
      if (/^[45]/.test(status) && json !== undefined) response.content = { 'application/problem+json': json }
    }
}

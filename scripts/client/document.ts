/** The OpenAPI document as the running server gives it at GET /v1/openapi.json, made without a server: no database, no listener. */
import { createHttp, type FastifyPluginAsync } from '@sealpost/http'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { commands } from '../../services/api/src/commands/index.ts'
import { registerCommand } from '../../services/api/src/routes/register-commands.ts'
import { ownKeys } from '../../services/keys/src/routes/own-keys.ts'
import { listRoutes } from '../../services/smtp/src/routes/lists.ts'
import { mailSettingsRoutes } from '../../services/smtp/src/routes/mail-settings.ts'
import { mailboxRoutes } from '../../services/smtp/src/routes/mailbox.ts'

/** As far as this project writes it: RFC 8259 all through. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

export interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly deprecated?: boolean
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}

export interface Parameter {
  readonly in: 'query' | 'path' | 'header'
  readonly name: string
  readonly required?: boolean
  readonly description?: string
  readonly schema: Schema
}

export type Content = Readonly<Record<string, { readonly schema?: Schema }>>

export interface Schema {
  readonly $id?: string
  readonly $ref?: string
  readonly title?: string
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly description?: string
  readonly format?: string
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly patternProperties?: Readonly<Record<string, Schema>>
}

/** Routes are described, never asked: what their handlers need stays out. */
const nothing = {} as never

export async function apiDocument(): Promise<ApiDocument> {
  await using http = await createHttp({
    log: createLog({ level: 'error' }),
    metrics: createMetrics(),
    title: 'Sealpost',
  })
  await http.app.register(async (app) => {
    for (const command of commands) await registerCommand(app, command, nothing)
  })
  const others: readonly FastifyPluginAsync<never>[] = [
    mailboxRoutes,
    mailSettingsRoutes,
    listRoutes,
    ownKeys,
  ]
  for (const routes of others) await http.app.register(routes, nothing)
  await http.app.ready()
  return JSON.parse(JSON.stringify(http.app.swagger())) as ApiDocument
}

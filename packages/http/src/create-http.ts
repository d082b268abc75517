import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import { fastify } from 'fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { answerWithProblems, toProblem } from './errors.ts'
import { sendProblem } from './http-problem.ts'
import { parseCookies } from './host-cookie.ts'
import { boundJson } from './json-bounds.ts'
import { isLocalSocket, openListener } from './listener.ts'
import type { ListenTarget, Listener } from './listener.ts'
import { isNear } from './near.ts'
import { describeRoutes } from './openapi.ts'
import { limitRequests } from './rate-limit.ts'
import { validatorCompiler } from './validator.ts'

export interface HttpOptions {
  readonly log: Log
  readonly metrics: Metrics
  /** Title of the OpenAPI document. */
  readonly title: string
  /**
   * Listeners without TLS are for this machine and for proxies on a loopback, link-local or private address: their X-Forwarded-* is
   * believed, and everybody else gets 403.
   */
  readonly trustProxy?: boolean
  /** Requests a minute of one client over all routes; 1,200 unless told. A route tightens it by `config: { rateLimit: { max } }`. */
  readonly requestsPerMinute?: number
}

export interface HttpServer extends AsyncDisposable {
  /** Routes are registered here before the first `listen`. Bodies over 256 KiB are refused unless a route says otherwise. */
  readonly app: FastifyInstance
  /** Opens one more listener over the same app. A port of 0 takes a free one; the real one is returned (0 for a socket path). */
  listen(target: ListenTarget): Promise<{ port: number }>
  isLocalSocket(request: FastifyRequest): boolean
}

const BODY_BYTES_MAX = 256 * 1024
/** Of a body wherever it is sent: more values than requests of ours have. Routes that take more say so with `boundJson`. */
const JSON_BOUNDS = { depthMax: 32, valuesMax: 100_000 }
const REQUESTS_PER_MINUTE = 1_200
/** A body is whole by then; an import may send for minutes. */
const BODY_MS = 300_000
/** A JID in a path: two parts of 1,023 bytes, percent-encoded. */
const PARAM_CHARS_MAX = 3 * 2_048

/**
 * An app with strict headers, limits by client, problem+json for every failure, an OpenAPI 3.1 document at GET /v1/openapi.json, and no
 * request log. Disposal stops listening, gives requests under way 1.5 s, closes all connections, then runs the app's onClose hooks.
 */
export async function createHttp(options: HttpOptions): Promise<HttpServer> {
  const { log } = options
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    trustProxy: options.trustProxy === true ? ['loopback', 'linklocal', 'uniquelocal'] : false,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    // Of a path that no route was found for, since it is no URL. Pages of any origin may know that, whatever route they meant.
    frameworkErrors: (error, _request, reply) =>
      void sendProblem(reply.header('access-control-allow-origin', '*'), toProblem(error, log)),
  })
  app.setValidatorCompiler(validatorCompiler)
  setStrictHeaders(app)
  boundBodies(app)
  boundJson(app, JSON_BOUNDS)
  await limitRequests(app, options.requestsPerMinute ?? REQUESTS_PER_MINUTE)
  await parseCookies(app)
  await describeRoutes(app, options.title)
  answerWithProblems(app, log)
  measure(app, options.metrics)
  const webSockets = watchWebSocketRoutes(app)

  const listeners: Listener[] = []
  return {
    app,
    isLocalSocket,
    listen: async (target) => {
      await app.ready()
      const isRefused = (request: IncomingMessage): boolean =>
        !('tls' in target) && options.trustProxy === true && isStranger(request)
      const handler = (request: IncomingMessage, response: ServerResponse): void => {
        if ('tls' in target) dropForwarded(request)
        if (isRefused(request)) response.writeHead(403, { connection: 'close' }).end()
        else app.routing(request, response)
      }
      const listener = await openListener(target, handler, {
        isWanted: (request) => webSockets.has(pathOf(request)) && !isRefused(request),
        take: (request, socket, head) => {
          if ('tls' in target) dropForwarded(request)
          app.server.emit('upgrade', request, socket, head)
        },
      })
      listeners.push(listener)
      return { port: listener.port }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(listeners.splice(0).map((listener) => listener[Symbol.asyncDispose]()))
      await app.close()
    },
  }
}

/** Paths that are upgraded to WebSockets (RFC 9110 §7.8); the wish for it is ignored on all others. */
function watchWebSocketRoutes(app: FastifyInstance): ReadonlySet<string> {
  const paths = new Set<string>()
  app.addHook('onRoute', (route) => {
    if ('websocket' in route && route.websocket) paths.add(route.url)
  })
  return paths
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? ''
}

/** Not over a socket path, and from an address where no proxy of ours stands. */
function isStranger({ socket }: IncomingMessage): boolean {
  return socket.remoteAddress !== undefined && !isNear(socket.remoteAddress)
}

/** A TLS listener is met by clients, not by a proxy: what they say of themselves is not believed. */
function dropForwarded(request: IncomingMessage): void {
  for (const name of ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'])
    delete request.headers[name]
}

/** Of every answer; a route that must say something else replaces it. */
const STRICT_HEADERS = {
  'content-security-policy':
    "default-src 'none';style-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

function setStrictHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(STRICT_HEADERS)
    done()
  })
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Bodies may take up to an hour: the route sees to it that they do not stall. */
    readonly slowBody?: boolean
  }
}

/** The connection of a body that is not whole in time is closed. */
function boundBodies(app: FastifyInstance): void {
  app.addHook('preParsing', ({ raw, headers, routeOptions }, _reply, payload, done) => {
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
    if (hasBody && routeOptions.config.slowBody !== true) {
      const late = setTimeout(() => raw.destroy(), BODY_MS)
      late.unref()
      raw.once('end', () => clearTimeout(late))
      raw.once('close', () => clearTimeout(late))
    }
    done(null, payload)
  })
}

/** Counts by the pattern of the route, never by its path. */
function measure(app: FastifyInstance, metrics: Metrics): void {
  const requests = metrics.counter('http_requests_total', 'Requests answered', ['method', 'route', 'status'])
  const seconds = metrics.histogram(
    'http_request_seconds',
    'Time to answer a request',
    [0.005, 0.02, 0.1, 0.5, 2, 10],
    ['route'],
  )
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    requests.inc({ method: request.method, route, status: reply.statusCode })
    seconds.observe(reply.elapsedTime / 1000, { route })
    done()
  })
}

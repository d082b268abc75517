import { mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HttpProblem, Type, createHttp, healthRoutes, isLocalSocket, problemSchema } from './index.ts'
import type { FastifyPluginAsyncTypebox, HttpServer } from './index.ts'
import { makeCertificate } from '../test/_certificate.ts'

const CANARY = 'canary@example.com'

interface Fixture extends AsyncDisposable {
  readonly http: HttpServer
  readonly port: number
  log(): string
}

/** A server with one route for each kind of behaviour. */
async function serve(options: { requestsPerMinute?: number; trustProxy?: boolean } = {}): Promise<Fixture> {
  const chunks: string[] = []
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString())
      done()
    },
  })
  const metrics = createMetrics()
  const http = await createHttp({
    log: createLog({ level: 'debug', destination }),
    metrics,
    title: 'Test',
    ...options,
  })
  await http.app.register(routes)
  await http.app.register(healthRoutes, { ready: () => Promise.resolve(true), metrics })
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  return {
    http,
    port,
    log: () => chunks.join(''),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  }
}

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/v1/items/:name',
    {
      schema: {
        params: Type.Object({ name: Type.String({ maxLength: 20 }) }),
        querystring: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1 })) }),
        body: Type.Object({ size: Type.Integer() }, { additionalProperties: false }),
        response: { 200: Type.Object({ size: Type.Integer(), limit: Type.Integer() }), '4xx': problemSchema },
      },
    },
    (request) => ({ size: request.body.size, limit: request.query.limit ?? 0 }),
  )
  app.get('/v1/refused', () => {
    throw new HttpProblem(409, 'item-exists', 'The item exists', { detail: 'Choose another name' })
  })
  app.get('/v1/broken', () => {
    throw new TypeError(CANARY)
  })
  app.get('/v1/local', (request) => ({ local: isLocalSocket(request) }))
  app.get('/v1/slow', async () => new Promise(() => undefined))
  await Promise.resolve()
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

interface Ask {
  readonly method?: string
  readonly body?: string
  readonly headers?: Record<string, string>
  readonly socketPath?: string
  readonly ca?: string
}

function ask(port: number, path: string, options: Ask = {}): Promise<Answer> {
  const { body, ca, ...rest } = options
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const request = (ca === undefined ? httpRequest : httpsRequest)(
    { host: '127.0.0.1', port, path, agent: false, ...(ca === undefined ? {} : { ca }), ...rest },
    (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    },
  )
  request.on('error', reject)
  request.end(body)
  return promise
}

const json = (value: unknown): Ask => ({
  method: 'POST',
  body: typeof value === 'string' ? value : JSON.stringify(value),
  headers: { 'content-type': 'application/json' },
})

/** What a raw connection gets for `text`. */
function raw(port: number, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  let answer = ''
  socket.on('data', (chunk) => (answer += chunk.toString()))
  socket.on('close', () => resolve(answer))
  socket.on('error', reject)
  return promise
}

describe('answers', () => {
  test('a valid request passes through the schemas; only the query is converted', async () => {
    await using server = await serve()
    const good = await ask(server.port, '/v1/items/a?limit=5', json({ size: 3 }))
    expect([good.status, good.text]).toEqual([200, '{"size":3,"limit":5}'])
    expect((await ask(server.port, '/v1/items/a', json({ size: '3' }))).status).toBe(400)
  })

  test('a request that does not match gets pointers and none of its values back', async () => {
    await using server = await serve()
    const answer = await ask(server.port, '/v1/items/a', json({ size: CANARY }))
    expect(answer.status).toBe(400)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(JSON.parse(answer.text)).toMatchObject({
      type: 'urn:sealpost:problem:validation',
      status: 400,
      in: 'body',
      errors: [{ pointer: '#/size' }],
    })
    expect(answer.text).not.toContain(CANARY)
    const query = await ask(server.port, `/v1/items/a?limit=${CANARY}`, json({ size: 1 }))
    expect(JSON.parse(query.text)).toMatchObject({ status: 400, in: 'querystring' })
    expect(query.text).not.toContain(CANARY)
    for (const text of ['1.5', '1e3', '0x10', ' 1', '', '1_0'])
      expect(
        (await ask(server.port, `/v1/items/a?limit=${encodeURIComponent(text)}`, json({ size: 1 }))).status,
      ).toBe(400)
  })

  test.each([
    ['broken JSON', '{"size":', 'application/json', 400],
    ['an empty body', '', 'application/json', 400],
    ['a poisoned prototype', '{"__proto__":{"size":1}}', 'application/json', 400],
    ['deep nesting', '['.repeat(100_000), 'application/json', 400],
    ['too many bytes', `"${'x'.repeat(300_000)}"`, 'application/json', 413],
    ['an unknown type', '<size>1</size>', 'application/xml', 415],
  ])('%s is a problem', async (_what, body, type, status) => {
    await using server = await serve()
    const answer = await ask(server.port, '/v1/items/a', {
      method: 'POST',
      body,
      headers: { 'content-type': type },
    })
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text)).toMatchObject({ status })
    expect(server.log()).toBe('')
  })

  test('problems keep their members; unknown errors say nothing, in the log only their class', async () => {
    await using server = await serve()
    const refused = await ask(server.port, '/v1/refused')
    expect(JSON.parse(refused.text)).toEqual({
      type: 'urn:sealpost:problem:item-exists',
      title: 'The item exists',
      status: 409,
      detail: 'Choose another name',
    })
    const broken = await ask(server.port, '/v1/broken')
    expect(JSON.parse(broken.text)).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
    })
    expect(server.log()).toContain('"code":"TypeError"')
    expect(server.log()).not.toContain(CANARY)
  })

  test.each(['/nowhere', '/v1/items/%zz', `/v1/items/${'x'.repeat(7_000)}`, '//', '/v1/items/%00'])(
    '%s is a problem of 4xx',
    async (path) => {
      await using server = await serve()
      const answer = await ask(server.port, path)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    },
  )

  test('headers are strict', async () => {
    await using server = await serve()
    const { headers } = await ask(server.port, '/v1/local')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['strict-transport-security']).toBe('max-age=31536000')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers).not.toHaveProperty('access-control-allow-origin')
    expect(headers).not.toHaveProperty('x-powered-by')
  })

  test('the OpenAPI document lists routes and hides signs of health', async () => {
    await using server = await serve()
    const answer = await ask(server.port, '/v1/openapi.json')
    const document = JSON.parse(answer.text) as {
      openapi: string
      paths: Record<string, { post?: { responses: Record<string, { content: object }> } }>
    }
    expect(document.openapi).toBe('3.1.0')
    const responses = document.paths['/v1/items/{name}']?.post?.responses
    expect(Object.keys(responses?.['200']?.content ?? {})).toEqual(['application/json'])
    expect(Object.keys(responses?.['4XX']?.content ?? {})).toEqual(['application/problem+json'])
    expect(Object.keys(document.paths)).not.toContain('/livez')
  })

  test('health answers; metrics count by pattern, not by path', async () => {
    await using server = await serve()
    expect(await ask(server.port, '/livez')).toMatchObject({ status: 200, text: 'ok\n' })
    expect(await ask(server.port, '/readyz')).toMatchObject({ status: 200 })
    await ask(server.port, '/v1/items/canary', json({ size: 1 }))
    await ask(server.port, '/canary')
    const { text } = await ask(server.port, '/metrics')
    expect(text).toContain('http_requests_total{method="POST",route="/v1/items/:name",status="200"} 1')
    expect(text).toContain('route="none",status="404"')
    expect(text).not.toContain('canary')
  })

  test('not ready when the service says so, throws, or does not answer', async () => {
    const metrics = createMetrics()
    const answers = [
      () => Promise.resolve(false),
      () => Promise.reject(new Error('x')),
      () => new Promise<boolean>(() => undefined),
    ]
    await Promise.all(
      answers.map(async (ready) => {
        await using http = await createHttp({ log: createLog({ level: 'silent' }), metrics, title: 'Test' })
        await http.app.register(healthRoutes, { ready, metrics })
        const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
        expect((await ask(port, '/readyz')).status).toBe(503)
      }),
    )
  })
})

test('readiness is found out once for all who ask within a second', async () => {
  const metrics = createMetrics()
  let asked = 0
  const ready = (): Promise<boolean> => {
    asked += 1
    return Promise.resolve(true)
  }
  await using http = await createHttp({ log: createLog({ level: 'silent' }), metrics, title: 'Test' })
  await http.app.register(healthRoutes, { ready, metrics })
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(port, '/readyz')))
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  expect(asked).toBeLessThanOrEqual(2)
})

describe('limits', () => {
  test('a client that asks too often gets 429 with Retry-After, on routes and beside them', async () => {
    await using server = await serve({ requestsPerMinute: 3, trustProxy: true })
    const from = (address: string, path = '/v1/local') =>
      ask(server.port, path, { headers: { 'x-forwarded-for': address } })
    for (let turn = 0; turn < 3; turn += 1) expect((await from('2001:db8::1')).status).toBe(200)
    const refused = await from('2001:db8::2')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(JSON.parse(refused.text)).toMatchObject({ type: 'urn:sealpost:problem:rate-limited' })
    expect((await from('2001:db8:0:1::1')).status).toBe(200)
    for (let turn = 0; turn < 3; turn += 1) await from('192.0.2.7', '/nowhere')
    expect((await from('192.0.2.7', '/nowhere')).status).toBe(429)
    for (let turn = 0; turn < 9; turn += 1) expect((await from('192.0.2.7', '/livez')).status).toBe(200)
  })

  test('without a trusted proxy, X-Forwarded-For changes nothing', async () => {
    await using server = await serve({ requestsPerMinute: 1 })
    expect(
      (await ask(server.port, '/v1/local', { headers: { 'x-forwarded-for': '192.0.2.1' } })).status,
    ).toBe(200)
    expect(
      (await ask(server.port, '/v1/local', { headers: { 'x-forwarded-for': '192.0.2.2' } })).status,
    ).toBe(429)
  })

  test('what is not HTTP gets 400, oversized headers 431, and nothing is logged', async () => {
    await using server = await serve()
    expect(await raw(server.port, `${CANARY}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
    const large = `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`
    expect(await raw(server.port, large)).toMatch(/^HTTP\/1\.1 431 /)
    const smuggled =
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    expect(await raw(server.port, smuggled)).toMatch(/^HTTP\/1\.1 400 /)
    expect(server.log()).toBe('')
  })
})

test('mangled requests get an answer of 4xx or none, and the server lives', async () => {
  await using server = await serve()
  const valid =
    'POST /v1/items/a?limit=5 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{"size":3}'
  const seed = Date.now() % 2 ** 31
  const mutation = fc.tuple(fc.nat(valid.length), fc.nat(12), fc.string({ unit: 'binary', maxLength: 12 }))
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
      let text = valid
      for (const [at, remove, insert] of mutations)
        text = text.slice(0, at) + insert + text.slice(at + remove)
      const { promise, resolve } = Promise.withResolvers<string>()
      // Half-closed: a request that waits for more bytes learns that there are none.
      const socket = connect(server.port, '127.0.0.1', () => socket.end(text))
      let answer = ''
      socket.on('data', (chunk) => (answer += chunk.toString()))
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(answer))
      expect(await promise).toMatch(/^$|^HTTP\/1\.1 (?:[24]\d\d|100) /)
    }),
    { seed, interruptAfterTimeLimit: 3_000, numRuns: 2_000 },
  )
  expect((await ask(server.port, '/livez')).status).toBe(200)
  expect(server.log()).toBe('')
})

describe('listeners', () => {
  test('a socket path is private, knows itself, is not limited, and replaces a stale one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sealpost-http-'))
    const socketPath = join(directory, 'ctl.sock')
    try {
      for (let start = 0; start < 2; start += 1) {
        await using server = await serve({ requestsPerMinute: 1 })
        await server.http.listen({ socketPath })
        expect(statSync(socketPath).mode & 0o777).toBe(0o600)
        for (let turn = 0; turn < 3; turn += 1)
          expect(await ask(0, '/v1/local', { socketPath })).toMatchObject({
            status: 200,
            text: '{"local":true}',
          })
        expect((await ask(server.port, '/v1/local')).text).toBe('{"local":false}')
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('a socket that somebody listens on stays theirs; one that a killed process left is replaced', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sealpost-http-'))
    const socketPath = join(directory, 'ctl.sock')
    try {
      await using first = await serve()
      await first.http.listen({ socketPath })
      await using second = await serve()
      await expect(second.http.listen({ socketPath })).rejects.toMatchObject({ code: 'SOCKET_TAKEN' })
      expect(await ask(0, '/v1/local', { socketPath })).toMatchObject({ status: 200 })
      renameSync(socketPath, `${socketPath}.kept`)
      await first[Symbol.asyncDispose]()
      renameSync(`${socketPath}.kept`, socketPath)
      await second.http.listen({ socketPath })
      expect(await ask(0, '/v1/local', { socketPath })).toMatchObject({ status: 200 })
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('TLS takes up a new certificate without dropping a connection; metrics stay off it', async () => {
    await using server = await serve()
    let pair = makeCertificate('one.test')
    const listeners = new Set<() => void>()
    const tls = {
      current: () => pair,
      onChange: (listener: () => void) => {
        listeners.add(listener)
        return { [Symbol.dispose]: () => void listeners.delete(listener) }
      },
    }
    const { port } = await server.http.listen({ host: '127.0.0.1', port: 0, tls })
    expect((await ask(port, '/metrics', { ca: pair.ca })).status).toBe(404)
    const subject = async (): Promise<unknown> => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const socket = tlsConnect({ port, host: '127.0.0.1', ca: pair.ca }, () => {
        resolve(socket.getPeerCertificate().subject.CN)
        socket.end()
      })
      socket.on('error', reject)
      return promise
    }
    expect(await subject()).toBe('one.test')
    const kept = tlsConnect({ port, host: '127.0.0.1', ca: pair.ca })
    await new Promise((resolve) => kept.once('secureConnect', () => resolve(undefined)))
    pair = makeCertificate('two.test')
    for (const listener of listeners) listener()
    expect(await subject()).toBe('two.test')
    const { promise, resolve } = Promise.withResolvers<string>()
    kept.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    kept.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(await promise).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('a TLS listener believes no X-Forwarded-For', async () => {
    await using server = await serve({ requestsPerMinute: 1, trustProxy: true })
    const pair = makeCertificate('one.test')
    const tls = { current: () => pair, onChange: () => ({ [Symbol.dispose]: () => undefined }) }
    const { port } = await server.http.listen({ host: '127.0.0.1', port: 0, tls })
    const from = (address: string) =>
      ask(port, '/v1/local', { ca: pair.ca, headers: { 'x-forwarded-for': address } })
    expect((await from('192.0.2.1')).status).toBe(200)
    expect((await from('192.0.2.2')).status).toBe(429)
  })

  test('a port in use is an error with its code', async () => {
    await using server = await serve()
    await expect(server.http.listen({ host: '127.0.0.1', port: server.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })

  test('disposal waits for no client, be it idle, half open, mid-handshake or waiting', async () => {
    const server = await serve()
    const pair = makeCertificate('one.test')
    const tls = { current: () => pair, onChange: () => ({ [Symbol.dispose]: () => undefined }) }
    const { port } = await server.http.listen({ host: '127.0.0.1', port: 0, tls })
    const ended: Promise<unknown>[] = []
    for (const [to, text] of [
      [server.port, ''],
      [server.port, 'GET / HT'],
      [server.port, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'],
      [server.port, 'GET /v1/slow HTTP/1.1\r\nHost: x\r\n\r\n'],
      [port, ''],
    ] as const) {
      const socket = connect(to, '127.0.0.1')
      await new Promise((resolve) => socket.once('connect', () => resolve(undefined)))
      socket.write(text)
      socket.resume()
      socket.on('error', () => undefined)
      ended.push(new Promise((resolve) => socket.once('close', () => resolve(undefined))))
    }
    await ask(server.port, '/livez')
    const from = performance.now()
    await server[Symbol.asyncDispose]()
    await Promise.all(ended)
    expect(performance.now() - from).toBeLessThan(15_000)
  })
})

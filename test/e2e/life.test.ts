/** Signs of health, the OpenAPI document, stop and restart, of whole deployments. */
import { stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { ServiceName } from '@sealpost/dev-env'
import { shape } from './shape.ts'

const SERVICES: readonly ServiceName[] = ['api', 'xmpp', 'keys', 'smtp']

shape.describe('life', (deployment, which) => {
  test.each(SERVICES)('%s answers the signs of health', async (service) => {
    const get = (path: string): Promise<Response> => fetch(deployment().url(service, path))
    expect((await get('/livez')).status).toBe(200)
    expect((await get('/readyz')).status).toBe(200)
    expect(await (await get('/metrics')).text()).toContain('process_cpu_seconds_total')
  })

  test('the OpenAPI document describes the API', async () => {
    const answer = await fetch(deployment().url('api', '/v1/openapi.json'))
    const document = (await answer.json()) as { openapi: string; paths: Record<string, unknown> }
    expect(document.openapi).toMatch(/^3\.1/)
    expect(Object.keys(document.paths)).toContain('/v1/accounts')
  })

  test('the control socket and the keys are closed to other users', async () => {
    for (const name of ['ctl.sock', 'tls/key.pem'])
      expect((await stat(`${deployment().dataDir}/${name}`)).mode & 0o077).toBe(0)
  })

  test('after kill -9 it starts again on the same data', async () => {
    await deployment().kill()
    await deployment().start()
    expect((await fetch(deployment().url('api', '/readyz'))).status).toBe(200)
  })

  test('SIGTERM stops it cleanly within 10 seconds, and it starts again', async () => {
    const before = performance.now()
    const codes = await deployment().stop()
    expect(performance.now() - before).toBeLessThan(10_000)
    expect(codes).toEqual(codes.map(() => 0))
    expect(codes).toHaveLength(which === 'all-in-one' ? 1 : 4)
    await deployment().start()
  })
})

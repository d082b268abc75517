/** Signs of health, the OpenAPI document, stop and restart, of whole deployments. */
import { stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { longTest } from '../long-test.ts'
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

  const ctl = (line: string) => deployment().ctl(line.split(' '), '')
  const open = async (line: string): Promise<string> =>
    /[0-9a-f-]{36}/.exec((await ctl(`organisation create ${line}`)).output)?.[0] ?? ''

  longTest(
    'after kill -9 it starts again on the same data, and ends an organisation that it had begun to end',
    async () => {
      const reseller = await open('Reseller --kind reseller')
      const customer = await open(`Customer --parent ${reseller}`)
      const jids = Array.from({ length: 4 }, (_, index) => `gone${String(index)}@localhost`)
      for (const [index, jid] of jids.entries())
        await ctl(`account create ${jid} --organisation ${index < 2 ? reseller : customer}`)
      const { code, output } = await ctl(`organisation terminate ${reseller} --because over`)
      expect({ code, output }).toMatchObject({ code: 0 })
      await deployment().kill()
      await deployment().start()
      expect((await fetch(deployment().url('api', '/readyz'))).status).toBe(200)
      const gone = async (line: string) => (await ctl(line)).output
      for (const id of [customer, reseller])
        await expect
          .poll(() => gone(`organisation show ${id}`), { timeout: 60_000, interval: 500 })
          .toContain('no such organisation')
      for (const jid of jids) expect(await gone(`account show ${jid}`)).toContain('no such account')
    },
  )

  test('SIGTERM stops it cleanly within 10 seconds, and it starts again', async () => {
    const codes = await deployment().stop()
    expect(codes).toEqual(codes.map(() => 0)) // 1 after 10 seconds
    expect(codes).toHaveLength(which === 'all-in-one' ? 1 : 4)
    await deployment().start()
  })
})

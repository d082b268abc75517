/** Administration of whole deployments: by `ctl`, by API key, and across a kill -9. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServiceName } from '@sealpost/dev-env'
import { query } from '../interop/query.ts'
import { longTest } from '../long-test.ts'
import { shape } from './shape.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-e2e-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

shape.describe('accounts', (deployment, which) => {
  const ctl = async (line: string, input = ''): Promise<string> => {
    const { code, output } = await deployment().ctl(line.split(' '), input)
    expect({ line, code, output }).toMatchObject({ code: 0 })
    return output
  }
  const me = (user: string, password: string): Promise<Response> => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    return fetch(deployment().url('api', '/v1/me'), { headers: { authorization } })
  }

  test('the first administrator follows the link of the first start', async () => {
    const links = new Set(deployment().output.match(/https:\S+\/admin\/invite\/\S+/g))
    expect(links.size).toBe(1)
    const { pathname } = new URL([...links].join(''))
    const page = await fetch(deployment().url('api', pathname), { method: 'POST' })
    const key = /sp_[\w-]{43}/.exec(await page.text())?.[0] ?? ''
    const keyFile = join(folder, `key-${which}`)
    await writeFile(keyFile, key)
    const remote = `--url ${deployment().url('api', '')} --key-file ${keyFile} --ca-file ${deployment().caFile}`
    expect(await ctl(`apikey list ${remote}`)).toContain('administrator')
    await ctl(`account create by-key@localhost --password-stdin ${remote}`, 'secret\n')
    expect((await me('by-key', 'secret')).status).toBe(200)
  })

  test(
    'a prober, a program of its own, finds all components good and reports it',
    { timeout: 180_000 },
    async () => {
      const key =
        /sp_[\w-]{43}/.exec(await ctl('apikey create --scope status:probe --label prober'))?.[0] ?? ''
      const { ports, caFile } = deployment()
      const prober = spawn(
        process.execPath,
        [join(import.meta.dirname, '../../services/api/src/status/prober.ts')],
        {
          env: {
            SEALPOST_DOMAIN: 'localhost',
            PROBE_HOST: '127.0.0.1',
            XMPP_PORT: String(ports.xmpp),
            SMTP_PORT: String(ports.smtp),
            SUBMISSION_PORT: String(ports.submission),
            HKP_PORT: String(ports.hkp),
            PROBE_API_URL: deployment().url('api', ''),
            PROBE_CA_FILE: caFile,
            NODE_EXTRA_CA_CERTS: caFile, // of the edge, where there is one
            PROBE_REPORT_URL: deployment().url('api', ''),
            PROBE_KEY: key,
          },
          stdio: 'inherit',
        },
      )
      try {
        const states = async (): Promise<unknown> => {
          const answer = await fetch(deployment().url('api', '/v1/status'))
          const { components } = (await answer.json()) as { components: { id: string; state: string }[] }
          return Object.fromEntries(components.map(({ id, state }) => [id, state]))
        }
        // The page is put together every fifteen seconds.
        await expect
          .poll(states, { timeout: 130_000, interval: 500 })
          .toEqual({ chat: 'up', voice: 'up', mail: 'up', keys: 'up', api: 'up' })
      } finally {
        prober.kill()
      }
    },
  )

  test('the session on the page of an account opens what every service keeps of it, until it is over', async () => {
    await ctl('account create page@localhost --password-stdin', 'secret\n')
    const begun = await fetch(deployment().url('api', '/v1/account-session'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jid: 'page@localhost', password: 'secret' }),
    })
    const { csrf } = (await begun.json()) as { csrf: string }
    const [cookie = ''] = begun.headers.getSetCookie().map((line) => line.split(';')[0] ?? '')
    const origin = `https://localhost:${String(deployment().ports.https)}`
    const ask = async (service: ServiceName, method: string, path: string, shown: object = {}) => {
      const headers = { cookie, ...shown }
      return (await fetch(deployment().url(service, path), { method, headers })).status
    }
    const all = [
      ['api', '/v1/me'],
      ['keys', '/v1/me/keys'],
      ['smtp', '/v1/me/lists'],
      ['smtp', '/v1/me/mail-settings'],
    ] as const
    for (const [service, path] of all) expect([path, await ask(service, 'GET', path)]).toEqual([path, 200])
    const list = '/v1/me/lists/news.example'
    for (const shown of [
      {},
      { origin, 'x-csrf-token': 'A'.repeat(csrf.length) },
      { origin: 'https://evil.example', 'x-csrf-token': csrf },
    ])
      expect(await ask('smtp', 'PUT', list, shown)).toBe(403)
    expect(await ask('smtp', 'PUT', list, { origin, 'x-csrf-token': csrf })).toBe(200)
    await ctl('account sign-out page@localhost')
    for (const [service, path] of all) expect([path, await ask(service, 'GET', path)]).toEqual([path, 401])
  })

  test('ctl creates, suspends, restores and terminates', async () => {
    await ctl('account create ann@localhost --password-stdin', 'secret\n')
    expect((await me('ann@localhost', 'secret')).status).toBe(200)
    expect(await ctl('account suspend ann@localhost --reason abuse')).toContain('suspended (abuse)')
    expect((await me('ann@localhost', 'secret')).status).toBe(403)
    await ctl('account restore ann@localhost')
    expect((await me('ann@localhost', 'secret')).status).toBe(200)
    await ctl('account terminate ann@localhost')
    expect((await me('ann@localhost', 'secret')).status).toBe(401)
  })

  test('a terminated account vanishes when every service has erased its part, and its name stays taken', async () => {
    await ctl('account create leaver@localhost --password-stdin', 'secret\n')
    await ctl('account terminate leaver@localhost')
    const show = async (): Promise<unknown> =>
      (await deployment().ctl(['account', 'show', 'leaver@localhost'])).code
    await expect.poll(show, { interval: 300 }).toBe(1)
    const again = await deployment().ctl(['account', 'create', 'leaver@localhost'])
    expect(again).toMatchObject({ code: 1, output: expect.stringContaining('never given again') as unknown })
  })

  longTest('an import cut by kill -9 is completed by repeating it', async () => {
    const file = join(folder, 'accounts.csv')
    const lines = Array.from({ length: 2000 }, (_, i) => `user${String(i)},secret ${String(i)}`)
    await writeFile(file, lines.join('\n'))
    const cut = deployment().ctl(['account', 'import', file])
    const url = await deployment().databaseUrl()
    const first = (): Promise<unknown> => query(url, `select from account.account where localpart = 'user0'`)
    await expect.poll(first, { interval: 20 }).toHaveLength(1)
    await deployment().kill()
    expect((await cut).code).toBe(1)
    await deployment().start()
    const report = JSON.parse(await ctl(`account import ${file} --json`)) as Record<string, number>
    expect((report['created'] ?? 0) + (report['exists'] ?? 0)).toBe(2000)
    expect(report['exists']).toBeGreaterThan(0)
    for (const i of [0, 1000, 1999])
      expect((await me(`user${String(i)}`, `secret ${String(i)}`)).status).toBe(200)
  })
})

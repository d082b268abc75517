/** Devices of an account and what waits for them, by `ctl` and by their owner, in whole deployments. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openDb, sql } from '@sealpost/db'
import { expect, test } from 'vitest'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { omemo } from '../../services/xmpp/test/relay-fixture.ts'
import { shape } from './shape.ts'

const COMMANDS = 'http://jabber.org/protocol/commands'

interface ShownDevice {
  readonly id: string
  readonly state: string
  readonly waiting: number
}

interface ShownQueue {
  readonly device?: string
  readonly messages: number
  readonly oldest_seconds?: number
}

shape.describe(
  'devices',
  (deployment, which) => {
    const ctl = async <T>(...args: string[]): Promise<T> => {
      const { code, output } = await deployment().ctl([...args, '--json'])
      expect({ args, code, output }).toMatchObject({ code: 0 })
      return JSON.parse(output) as T
    }
    const account = async (name: string): Promise<void> => {
      const args = ['account', 'create', `${name}@localhost`, '--password-stdin']
      expect(await deployment().ctl(args, 'secret\n')).toMatchObject({ code: 0 })
    }
    const devices = async (name: string): Promise<ShownDevice[]> =>
      (await ctl<{ items: ShownDevice[] }>('device', 'list', `${name}@localhost`)).items
    const queues = async (name: string): Promise<ShownQueue[]> =>
      (await ctl<{ items: ShownQueue[] }>('queue', 'show', `${name}@localhost`)).items
    const signIn = async (name: string, resource: string): Promise<TestClient> => {
      const client = await TestClient.signIn({
        port: deployment().ports.xmpp,
        username: name,
        password: 'secret',
        resource,
        mechanism: 'SCRAM-SHA-256-PLUS',
      })
      await client.enableStreamManagement()
      await client.available()
      return client
    }
    const register = async (name: string, resource: string): Promise<void> => {
      for (let time = 0; time < 2; time++) await (await signIn(name, resource)).close()
    }
    const me = (name: string, method: string, path: string): Promise<Response> => {
      const authorization = `Basic ${Buffer.from(`${name}:secret`).toString('base64')}`
      return fetch(deployment().url('api', `/v1/me/${path}`), { method, headers: { authorization } })
    }
    const sealedRows = async (): Promise<number> => {
      await using db = await openDb({ url: await deployment().databaseUrl() })
      const [row] = await db.query<{ count: number }>(sql`select count(*)::int as count from xmpp.sealed`)
      return row?.count ?? -1
    }

    test('are listed with what waits for them; counts and ages, never content', async () => {
      await account('ann')
      await account('ben')
      expect(await devices('ben')).toEqual([])
      expect(await queues('ben')).toEqual([{ messages: 0, bytes: 0 }])
      await register('ben', 'phone')
      const once = await signIn('ben', 'web')
      expect((await devices('ben')).map(({ state }) => state).toSorted()).toEqual(['registered', 'seen-once'])
      await once.close()
      const ann = await signIn('ann', 'a')
      for (const id of ['w1', 'w2']) ann.sends(omemo('ben@localhost', id))
      await ann.safeUpTo(3)
      await ann.close()
      const [shared, own] = await queues('ben')
      expect(shared).toMatchObject({ messages: 2 })
      expect(own).toMatchObject({ messages: 2 })
      expect(own?.oldest_seconds).toBeLessThan(60)
      const phone = (await devices('ben')).find(({ state }) => state === 'registered')
      expect(phone).toEqual({
        id: own?.device,
        created_on: new Date().toISOString().slice(0, 10),
        last_seen_on: new Date().toISOString().slice(0, 10),
        state: 'registered',
        waiting: 2,
        overrun: false,
        typed: false,
        bound: false,
      })
    })

    test('a revoked one has no session, no queue, no row; the others go on', async () => {
      await account('carla')
      for (const resource of ['phone', 'laptop']) await register('carla', resource)
      const before = await sealedRows()
      const sender = await signIn('ann', 'a')
      sender.sends(omemo('carla@localhost', 'kept'))
      await sender.safeUpTo(2)
      expect(await sealedRows()).toBe(before + 2)
      const [laptop] = await devices('carla')
      const revoked = await deployment().ctl(['device', 'revoke', 'carla@localhost', laptop?.id ?? ''])
      expect(revoked).toMatchObject({ code: 0 })
      expect((await queues('carla')).map(({ messages }) => messages)).toEqual([0, 1])
      await expect.poll(sealedRows).toBe(before + 1)
      const left = await devices('carla')
      expect(left.map(({ id }) => id)).not.toContain(laptop?.id)
      const again = await deployment().ctl(['device', 'revoke', 'carla@localhost', laptop?.id ?? ''])
      expect(again).toMatchObject({ code: 1, output: 'The account has no such device\n' })

      for (const resource of ['phone', 'laptop']) {
        const client = await signIn('carla', resource)
        await client.ping()
        const ids = client.inbox.filter(({ name }) => name === 'message').map(({ attrs }) => attrs['id'])
        await client.close()
        if (ids.length > 0) expect(ids).toEqual(['kept'])
      }
      await sender.close()
    })

    test('its owner sees them, and revoking one ends its session at once', async () => {
      await account('dan')
      await register('dan', 'phone')
      const phone = await signIn('dan', 'phone')
      const { items } = (await (await me('dan', 'GET', 'devices')).json()) as { items: ShownDevice[] }
      expect(items).toHaveLength(1)
      const id = items[0]?.id ?? ''
      expect((await me('ann', 'DELETE', `devices/${id}`)).status).toBe(404)
      expect((await me('dan', 'DELETE', `devices/${id}`)).status).toBe(200)
      expect(await phone.streamError()).toBe('not-authorized')
      await phone.ended()
      expect(((await (await me('dan', 'GET', 'devices')).json()) as { items: unknown[] }).items).toEqual([])
    })

    if (which === 'all-in-one') {
      test('no port for other processes is open', async () => {
        const id = '00000000-0000-4000-8000-000000000000'
        const answer = await fetch(deployment().url('xmpp', `/internal/relay/accounts/${id}/devices`))
        expect(answer.status).toBe(404)
      })
    } else {
      test('the port between the processes is for those who know the secret', async () => {
        const mode = (await stat(join(deployment().dataDir, 'ports.key'))).mode & 0o777
        expect(mode).toBe(0o600)
        const id = '00000000-0000-4000-8000-000000000000'
        for (const path of ['devices', 'queues', `devices/${id}`]) {
          const url = deployment().url('xmpp', `/internal/relay/accounts/${id}/${path}`)
          const method = path.includes('/') ? 'DELETE' : 'GET'
          for (const authorization of ['', 'Bearer ', `Bearer ${'x'.repeat(43)}`]) {
            const answer = await fetch(url, { method, headers: { authorization } })
            expect(answer.status).toBe(401)
            expect(answer.headers.get('content-type')).toContain('application/problem+json')
          }
        }
      })

      test('while the relay is away the API says so, and goes on when it is back', async () => {
        await deployment().kill('xmpp')
        const away = await me('ann', 'GET', 'devices')
        expect(away.status).toBe(503)
        expect(await away.json()).toMatchObject({ type: 'urn:sealpost:problem:relay-away' })
        expect(await deployment().ctl(['queue', 'show', 'ann@localhost'])).toMatchObject({ code: 1 })
        await deployment().startService('xmpp')
        expect((await me('ann', 'GET', 'devices')).status).toBe(200)
      })
    }

    test('XEP-0050: the owner lists and revokes devices by commands of the server, in a chat client', async () => {
      await account('iris')
      await register('iris', 'phone')
      const [own] = await devices('iris')
      await register('iris', 'tablet')
      const phone = await signIn('iris', 'phone')
      const command = async (name: string, inner = '', sessionid?: string): Promise<string> => {
        const session = sessionid === undefined ? '' : ` sessionid='${sessionid}'`
        const xml = `<command xmlns='${COMMANDS}' node='urn:sealpost:command:${name}'${session}>${inner}</command>`
        return (await phone.request('set', xml, 'localhost')).toString()
      }
      const listed = await command('me.devices')
      expect(listed).toContain("status='completed'")
      const before = await devices('iris')
      for (const { id } of before) expect(listed).toContain(id)
      const gone = before.find(({ id }) => id !== own?.id)?.id ?? ''
      const form = await command('me.revoke-device')
      const sessionid = /sessionid='([^']+)'/.exec(form)?.[1]
      const filled = (id: string) =>
        `<x xmlns='jabber:x:data' type='submit'><field var='device'><value>${id}</value></field></x>`
      const refused = await command('me.revoke-device', filled('nonsense'), sessionid)
      expect(refused).toContain("type='error'")
      const again = /sessionid='([^']+)'/.exec(await command('me.revoke-device'))?.[1]
      expect(await command('me.revoke-device', filled(gone), again)).toContain("type='info'")
      expect((await devices('iris')).map(({ id }) => id)).not.toContain(gone)
      await phone.close()
    })

    test('XEP-0133: an administrator disables a user from a chat program, by an API key and on its record', async () => {
      await account('admin')
      await account('jon')
      const jon = await signIn('jon', 'phone')
      const { token } = await ctl<{ token: string }>('apikey', 'create', '--scope', 'accounts:suspend')
      const admin = await signIn('admin', 'desk')
      const run = async (name: string, key: string): Promise<string> => {
        const start = `<command xmlns='${COMMANDS}' node='http://jabber.org/protocol/admin#${name}'`
        const begun = (await admin.request('set', `${start}/>`, 'localhost')).toString()
        const sessionid = /sessionid='([^']+)'/.exec(begun)?.[1] ?? ''
        const fields = `<field var='accountjids'><value>jon@localhost</value></field><field var='api-key'><value>${key}</value></field>`
        const filled = `<x xmlns='jabber:x:data' type='submit'>${fields}</x>`
        const answer = await admin.request(
          'set',
          `${start} sessionid='${sessionid}'>${filled}</command>`,
          'localhost',
        )
        return answer.toString()
      }
      expect(await run('disable-user', 'wrong')).toContain('<not-authorized')
      expect(await run('delete-user', token)).toContain('<forbidden')
      await jon.ping()
      expect(await run('disable-user', token)).toContain("type='info'")
      expect(await jon.streamError()).toBe('not-authorized')
      const shown = await ctl<{ state: string }>('account', 'show', 'jon@localhost')
      expect(shown.state).toBe('suspended')
      const { items } = await ctl<{ items: { action: string; actor: { kind: string } }[] }>('audit', 'list')
      expect(items.find(({ action }) => action === 'account.suspend')?.actor.kind).toBe('key')
      expect(await run('reenable-user', token)).toContain("type='info'")
      await admin.close()
    })
  },
  { env: { XMPP_ADMINISTRATORS: 'admin@localhost' }, long: true },
)

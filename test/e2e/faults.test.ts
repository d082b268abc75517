/** `kill -9` of whole deployments, and of their Postgres, under load: nothing that was called safe is lost. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openSession, sql } from '@sealpost/db'
import { expect, test } from 'vitest'
import { sending } from '../faults/load.ts'
import { People } from '../faults/people.ts'
import { NOTHING_WRONG } from '../faults/scene.ts'
import { shape } from './shape.ts'

const LOAD_MS = 400
const DEVICES = {
  alice: [{ name: 'phone', modern: true }],
  bob: [
    { name: 'phone', modern: true },
    { name: 'laptop', modern: false },
  ],
  carol: [{ name: 'phone', modern: false }],
}

shape.describe(
  'faults',
  (deployment, which) => {
    const people = new People(DEVICES)
    const [alice, carol] = [people.device('alice/phone'), people.device('carol/phone')]
    const here = people.devices.filter((device) => device !== carol)
    const connect = () => Promise.all(here.map((device) => device.connect(deployment().ports.xmpps)))
    /** To one account that is here, and to one that is away. */
    const load = () =>
      sending([
        [alice, 'bob'],
        [alice, 'carol'],
      ])
    const isWell = async () => {
      await expect.poll(() => people.unsafe).toBe(0)
      await carol.connect(deployment().ports.xmpps)
      await expect.poll(() => people.ledger.outstanding).toBe(0)
      await carol.close()
      const findings = people.ledger.findings()
      expect(findings).toMatchObject({ ...NOTHING_WRONG, refused: [], acknowledged: findings.sent })
    }

    test('kill -9 of everything: nothing that was called safe is lost', async () => {
      for (const name of Object.keys(DEVICES)) {
        const create = ['account', 'create', `${name}@localhost`, '--password-stdin']
        expect((await deployment().ctl(create, 'secret\n')).code).toBe(0)
      }
      await people.register(deployment().ports.xmpps)
      await connect()
      await using sent = load()
      await pause(LOAD_MS)
      await deployment().kill()
      await sent.stop()
      await Promise.all(here.map((device) => device.gone()))
      await deployment().start()
      await connect()
      await isWell()
    })

    test.runIf(which === 'four-processes')(
      'kill -9 in the middle of a change that webhooks hear of: it is there with its event, or not at all',
      async () => {
        const hook = ['webhook', 'create', 'https://hooks.example.org/', '--events', 'incident.*']
        expect(await deployment().ctl(hook)).toMatchObject({ code: 0 })
        const open = ['incident', 'open', '--components', 'mail', '--severity', 'minor', '--title']
        const url = await deployment().databaseUrl()
        await using database = await openSession(url)
        const counted = () =>
          database.query(sql`
          select (select count(*) from api.status_incident) as incidents,
            (select count(*) from api.webhook_event where type = 'incident.opened') as events`)
        {
          await using holder = await openSession(url)
          await holder.execute(sql`begin`)
          await holder.execute(sql`lock table api.webhook_delivery in exclusive mode`)
          const cutOff = deployment().ctl([...open, 'Cut off'])
          const held = sql`
          select pid from pg_locks where not granted and relation = 'api.webhook_delivery'::regclass`
          await expect.poll(() => database.query(held)).toHaveLength(1)
          await deployment().kill('api')
          expect((await cutOff).code).not.toBe(0)
          // What it was asked last would be done otherwise, when the lock is gone.
          await database.query(sql`select pg_terminate_backend(pid) from (${held}) as waiting`)
        }
        await deployment().startService('api')
        expect(await counted()).toEqual([{ incidents: 0, events: 0 }])
        expect((await deployment().ctl([...open, 'Told'])).code).toBe(0)
        expect(await counted()).toEqual([{ incidents: 1, events: 1 }])
      },
    )

    test.runIf(which === 'four-processes')(
      'kill -9 between a change of an organisation and its event for webhooks: the next process tells it',
      async () => {
        const hook = ['webhook', 'create', 'https://hooks.example.org/', '--events', 'organisation.*']
        expect(await deployment().ctl(hook)).toMatchObject({ code: 0 })
        const made = await deployment().ctl(['organisation', 'create', 'Told', '--json'])
        const { id } = JSON.parse(made.output) as { id: string }
        const url = await deployment().databaseUrl()
        await using database = await openSession(url)
        {
          await using holder = await openSession(url)
          await holder.execute(sql`begin`)
          await holder.execute(sql`lock table api.webhook_event in exclusive mode`)
          const end = ['organisation', 'terminate', id, '--after', '30']
          expect(await deployment().ctl(end)).toMatchObject({ code: 0 })
          await deployment().kill('api')
          const held = sql`select pid from pg_locks where not granted and relation = 'api.webhook_event'::regclass`
          await database.query(sql`select pg_terminate_backend(pid) from (${held}) as waiting`)
        }
        const told = () => database.query(sql`select from api.webhook_event where type = 'organisation.ends'`)
        expect(await told()).toEqual([])
        await deployment().startService('api')
        await expect.poll(told).toHaveLength(1)
      },
    )

    test.runIf(which === 'all-in-one')(
      'kill -9 of Postgres: streams stay, nothing is lost, without hands',
      async () => {
        await using sent = load()
        await pause(LOAD_MS)
        const file = join(deployment().dataDir, 'postgres/postmaster.pid')
        process.kill(Number((await readFile(file, 'utf8')).split('\n')[0]), 'SIGKILL')
        const before = alice.acknowledged
        await expect.poll(() => alice.acknowledged - before).toBeGreaterThan(50)
        await sent.stop()
        expect(here.map(({ up }) => up)).toEqual(here.map(() => true))
        await isWell()
      },
    )
  },
  { long: true },
)

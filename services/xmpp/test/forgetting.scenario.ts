/** What is left of a message that was delivered or fell due, and of an account that was deleted: nothing, anywhere (docs/requirements.md). */
import { DATA_OWNERS } from '@sealpost/accounts'
import { randomUUID } from 'node:crypto'
import { parseJid } from '@sealpost/jid'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canary, disguises, filesWith, says, tablesWith } from '../../../test/canaries.ts'
import { TestClient } from './client.ts'
import { DeliveryFixture, ids, NOTHING_KEPT, take, takeIds } from './delivery-fixture.ts'
import { arrive, befriend, condition } from './friends.ts'
import { makeOf, messageOf } from './groups-fixture.ts'
import { omemo, type RelayFixture, startRelay } from './relay-fixture.ts'
import { bindWith, conditionOf, ENABLE, enter, requestToken, signIn2, tokenOf } from './sasl2-client.ts'

describe('R22: a message that nobody has to take any more', () => {
  const names = { sender: canary('sender'), recipient: canary('recipient'), late: canary('late') }
  let relay: RelayFixture
  let ear: Client
  const heard: string[] = []
  beforeAll(async () => {
    relay = await startRelay({}, {}, { bus: 'postgres' })
    ear = new Client({ connectionString: relay.databaseUrl })
    await ear.connect()
    ear.on('notification', ({ payload }) => void heard.push(payload ?? ''))
    await ear.query('listen sealpost_bus')
    for (const name of Object.values(names)) await relay.account(name)
  })
  afterAll(async () => {
    await ear.end()
    await relay[Symbol.asyncDispose]()
  })

  const device = async (name: string, resource: string) => {
    const client = await relay.client(name, { resource })
    await client.enableStreamManagement()
    await client.available()
    return client
  }
  const sealed = async () => {
    const { rows } = await ear.query<{ count: number }>('select count(*)::int as count from xmpp.sealed')
    return rows[0]?.count
  }
  /** Everything that Postgres would write into a logical dump, schema by schema. */
  const dump = async () => {
    const { rows } = await ear.query<{ text: string }>(
      `select schema_to_xml(schema_name, true, false, '')::text as text from information_schema.schemata
       where schema_name not like 'pg\\_%' and schema_name <> 'information_schema'`,
    )
    return rows.map(({ text }) => text).join('\n')
  }
  const message = (to: string, secret: string, expire = '') =>
    omemo(`${to}@localhost`, secret, Buffer.from(secret.repeat(4)).toString('base64')).replace(
      '<store',
      `${expire}<store`,
    )

  /** The names are where accounts are, alone; the ciphertext is nowhere. */
  async function expectForgotten(secrets: readonly string[]): Promise<void> {
    for (const secret of secrets) {
      expect(await tablesWith(relay.databaseUrl, secret)).toEqual([])
      expect(says(await dump(), secret)).toBe(false)
    }
    for (const name of Object.values(names)) {
      expect(await tablesWith(relay.databaseUrl, name)).toEqual(['account.account'])
    }
    const files = await filesWith(relay.platform.dataDir, [...secrets, ...Object.values(names)])
    for (const [, found] of files) expect(found).toEqual([])
    const texts = [relay.logged(), heard.join('\n')]
    for (const text of texts)
      for (const word of [...secrets, ...Object.values(names)]) expect(says(text, word)).toBe(false)
  }

  test('R22: after the last acknowledgement neither ciphertext nor who wrote to whom is in a table, a dump, a notification, the log or a file', async () => {
    for (const resource of ['phone', 'desk'])
      for (let time = 0; time < 2; time++) await (await device(names.recipient, resource)).close()
    const alice = await device(names.sender, 'a')
    const secrets = [canary('m'), canary('m'), canary('m')]
    for (const secret of secrets) alice.sends(message(names.recipient, secret))
    await alice.safeUpTo(4)
    expect(await sealed()).toBe(6) // three for each device: there is something to be forgotten
    await expectForgotten(secrets) // and even now it is in no form that somebody could read
    for (const resource of ['phone', 'desk']) {
      const bob = await device(names.recipient, resource)
      expect(await takeIds(bob, 3)).toEqual(secrets)
      await bob.ping()
      await bob.close()
    }
    await expect.poll(sealed).toBe(0)
    await relay.accounts.suspend(parseJid(`${names.recipient}@localhost`), 'test')
    await relay.accounts.restore(parseJid(`${names.recipient}@localhost`))
    await expect.poll(() => heard.join('')).toContain('account/changed') // the bus says that it changed, not who
    expect(relay.logged()).toContain('"event"')
    await expectForgotten(secrets)
    await alice.close()
  })

  test('R22: nor after the last member of a group has acknowledged a message to it', async () => {
    const room = 'room@groups.localhost'
    for (let time = 0; time < 2; time++) await (await device('bob', 'home')).close()
    const [ann, bob] = [await device('ann', 'a'), await device('bob', 'home')]
    await makeOf(room, ann, bob)
    await bob.close()
    const secret = canary('m')
    const before = await ann.serverCounter()
    ann.sends(message('room', secret).replace('room@localhost', room).replace(`'chat'`, `'groupchat'`))
    await ann.safeUpTo(before + 1)
    await messageOf(ann, secret)
    await ann.ping()
    await expect.poll(sealed).toBe(1)
    await expectForgotten([secret])
    const back = await device('bob', 'home')
    expect(await takeIds(back, 1)).toEqual([secret])
    await back.ping()
    await expect.poll(sealed).toBe(0)
    await expectForgotten([secret])
    for (const client of [ann, back]) await client.close()
  })

  test('R22: after its expiry nothing is left either, and its sender hears nothing', async () => {
    const alice = await device(names.sender, 'a')
    const secret = canary('m')
    alice.sends(message(names.late, secret, `<expire xmlns='urn:sealpost:expire:0' seconds='4'/>`))
    await alice.safeUpTo(2)
    expect(await sealed()).toBe(1)
    await expect.poll(sealed).toBe(0)
    await expectForgotten([secret])
    await alice.receivesNothing()
    const late = await device(names.late, 'x')
    await late.receivesNothing()
    for (const client of [alice, late]) await client.close()
  })

  test('R22: the search finds what it looks for, in every form', async () => {
    const word = canary('planted')
    for (const form of disguises(word)) expect(says(`before ${form} after`, word)).toBe(true)
    await relay.account(word)
    expect(says(await dump(), word)).toBe(true)
  })
})

describe('R23: an account that is deleted', () => {
  test('R23: sessions, devices, tokens, what it published, contacts, queues and keys: no row of any table names it', async () => {
    await using relay = await DeliveryFixture.start()
    const name = canary('doomed')
    const friend = await relay.device('friend', 'f')
    await relay.account(name)
    const jid = parseJid(`${name}@localhost`)
    const id = (await relay.accounts.find(jid))?.id ?? ''
    // A device with a token, one of the legacy order, one that is away, a session that may be resumed.
    await using phone = await TestClient.connect({ port: relay.port })
    phone.counting()
    const userAgent = randomUUID()
    const success = await enter(phone, {
      username: name,
      userAgent,
      inline: bindWith(ENABLE) + requestToken(),
    })
    await arrive(phone)
    await arrive(friend)
    await relay.register(name, 'away', true)
    const desk = await relay.device(name, 'desk')
    const hibernated = await relay.device(name, 'hibernated')
    await hibernated.drop()
    await befriend(phone, friend)
    const list = `<item id='current'><list xmlns='eu.siacs.conversations.axolotl'><device id='7'/></list></item>`
    const publish = `<publish node='eu.siacs.conversations.axolotl.devicelist'>${list}</publish>`
    await phone.request('set', `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${publish}</pubsub>`)
    desk.acknowledging = false
    phone.acknowledging = false
    const before = await friend.serverCounter()
    for (const each of ids('m', 5)) friend.sends(omemo(`${name}@localhost`, each))
    await friend.safeUpTo(before + 5)
    await relay.account('absent')
    const counted = await phone.serverCounter()
    phone.sends(omemo('absent@localhost', 'out'))
    await phone.safeUpTo(counted + 1)
    const devices = (await relay.administration.devices(id)).map((device) => device.id)
    expect(devices.length).toBeGreaterThanOrEqual(3)
    const marks = [name, id, ...devices]
    const tables = async () => {
      const found = await Promise.all(marks.map((mark) => tablesWith(relay.platform.databaseUrl, mark)))
      // What became of accounts waits for the API service, which does not run here and takes it within seconds.
      return [...new Set(found.flat())].filter((table) => table !== 'account.transition').sort()
    }
    expect(await tables()).toEqual([
      'account.account',
      'account.credential',
      'xmpp.device',
      'xmpp.fast_token',
      'xmpp.pep_item',
      'xmpp.pep_node',
      'xmpp.roster',
      'xmpp.roster_item',
    ])
    friend.inbox.length = 0

    await relay.accounts.terminate(jid)
    for (const client of [phone, desk]) {
      expect(await client.streamError()).toBe('not-authorized')
      await client.ended()
    }
    // Nothing lets it back in: neither the token, nor the password, nor the session that could have been resumed.
    await using token = await TestClient.connect({ port: relay.port })
    const refused = await signIn2(token, { username: name, userAgent, token: tokenOf(success) ?? '' })
    expect(conditionOf(refused)).toBe('not-authorized')
    const options = { port: relay.port, username: name, password: 'secret' }
    await expect(TestClient.signIn(options)).rejects.toThrow('sign-in refused: not-authorized')
    await friend.receives(`<presence {any}type='unavailable'{any}/>`)
    await friend.receives(
      `<iq {any}type='set'{any}><query {any}><item {any}subscription='remove'{any}/></query></iq>`,
    )
    for (const owner of DATA_OWNERS.filter((each) => each !== 'xmpp'))
      await relay.accounts.erasure.done(owner, id)
    await expect.poll(tables).toEqual([])
    // What it had sent is its recipient's: nothing outside the ciphertext says from whom it is.
    expect(await relay.kept()).toEqual({ keys: 1, rows: 1 })
    const absent = await relay.device('absent', 'x')
    expect((await take(absent, 1)).map(({ attrs }) => attrs['id'])).toEqual(['out'])
    await absent.ping()
    await expect.poll(() => relay.kept()).toEqual(NOTHING_KEPT)
    // To others it is as if it had never been; its name is nobody's any more.
    friend.sends(omemo(`${name}@localhost`, 'late'))
    expect(condition(await friend.message())).toBe('service-unavailable')
    await expect(relay.accounts.create(jid, 'secret')).rejects.toMatchObject({ code: 'ACCOUNT_NAME_RETIRED' })
  })

  test('R23: what is still under way to it when it is deleted goes too, and the deletion goes on after a restart', async () => {
    await using relay = await DeliveryFixture.start({ limits: { refusalMs: 0 } })
    const alice = await relay.device('alice', 'a')
    await relay.register('bob', 'x')
    const jid = parseJid('bob@localhost')
    const id = (await relay.accounts.find(jid))?.id ?? ''
    for (const each of ids('m', 200)) alice.sends(omemo('bob@localhost', each))
    await relay.accounts.terminate(jid)
    for (const each of ids('n', 50)) alice.sends(omemo('bob@localhost', each))
    await alice.safeUpTo(251)
    await relay.restart()
    await expect.poll(() => relay.kept()).toEqual(NOTHING_KEPT)
    expect(await relay.accounts.erasure.pending('xmpp')).toEqual([])
    expect(await relay.administration.devices(id)).toEqual([])
  })
})

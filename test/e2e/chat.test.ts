/** The way of an encrypted message through a whole deployment, and what is left of it: nothing. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { omemo } from '../../services/xmpp/test/relay-fixture.ts'
import { isWhole } from '../long-test.ts'
import { shape } from './shape.ts'

/** The keyring's file: a header page, then slots; a free or wiped one is all zeros. */
const HEADER_BYTES = 4096
const SLOT_BYTES = 64
/** A notice goes out by turns. */
const SOON_MS = 30_000
/** Beside other tests the machine is too busy to be held to a second. */
const SUSPENDED_SECONDS_MAX = isWhole ? 1 : 20

shape.describe('chat', (deployment) => {
  const account = async (name: string): Promise<void> => {
    const { code } = await deployment().ctl(
      ['account', 'create', `${name}@localhost`, '--password-stdin'],
      'secret\n',
    )
    expect(code).toBe(0)
  }
  const signIn = async (name: string, resource?: string): Promise<TestClient> => {
    const client = await TestClient.signIn({
      port: deployment().ports.xmpp,
      username: name,
      password: 'secret',
      mechanism: 'SCRAM-SHA-256-PLUS',
      ...(resource === undefined ? {} : { resource }),
    })
    await client.enableStreamManagement()
    return client
  }
  const sealedRows = async (): Promise<number> => {
    await using db = await openDb({ url: await deployment().databaseUrl() })
    const [row] = await db.query<{ count: number }>(sql`select count(*)::int as count from xmpp.sealed`)
    return row?.count ?? -1
  }

  test('sent while the other is away, over a kill -9, delivered once, and gone', async () => {
    await account('alice')
    await account('bob')
    const alice = await signIn('alice')
    alice.sends(omemo('bob@localhost', 'over-the-kill'))
    await alice.safeUpTo(1)
    expect(await sealedRows()).toBe(1)

    await deployment().kill()
    await alice.ended()
    await deployment().start()

    const bob = await signIn('bob')
    await bob.available()
    const message = await bob.message()
    expect(message.attrs).toMatchObject({ id: 'over-the-kill', from: alice.jid, to: 'bob@localhost' })
    expect(message.child('encrypted', 'eu.siacs.conversations.axolotl')).toBeDefined()
    await bob.receivesNothing()
    await bob.close()

    const again = await signIn('bob')
    await again.available()
    await again.receivesNothing()
    await again.close()
    await expect.poll(sealedRows).toBe(0)
    await expect.poll(() => usedSlots(join(deployment().dataDir, 'keyring/xmpp/keyring.slots'))).toBe(0)
  })

  test('two devices of one account, one away: both get every message, each once', async () => {
    await account('carol')
    await account('dave')
    for (const resource of ['phone', 'laptop']) {
      for (let signIns = 0; signIns < 2; signIns++) {
        const device = await signIn('dave', resource)
        await device.available()
        await device.close()
      }
    }
    const phone = await signIn('dave', 'phone')
    await phone.available()
    const carol = await signIn('carol')
    const ids = Array.from({ length: 20 }, (_, index) => `both-${index}`)
    for (const id of ids) carol.sends(omemo('dave@localhost', id))
    for (const id of ids) expect((await phone.message()).attrs['id']).toBe(id)
    await carol.safeUpTo(ids.length)
    const laptop = await signIn('dave', 'laptop')
    await laptop.available()
    for (const id of ids) expect((await laptop.next((each) => each.name === 'message')).attrs['id']).toBe(id)
    await phone.ping()
    expect(phone.inbox.filter((each) => each.name === 'message')).toEqual([])
    for (const client of [phone, laptop, carol]) await client.close()
    await expect.poll(sealedRows).toBe(0)
  })

  test('plaintext is refused with policy-violation', async () => {
    const alice = await signIn('alice')
    alice.sends(`<message to='bob@localhost' type='chat' id='plain'><body>hello</body></message>`)
    await alice.receives(`<message type='error' id='plain' {any}><policy-violation {any}/>{any}</message>`)
    await alice.close()
  })

  test(`suspending an account closes its streams within ${String(SUSPENDED_SECONDS_MAX)} s`, async () => {
    await account('erin')
    const streams = [await signIn('erin', 'one'), await signIn('erin', 'two')]
    const { code } = await deployment().ctl(['account', 'suspend', 'erin@localhost', '--reason', 'abuse'])
    const suspended = performance.now()
    expect(code).toBe(0)
    for (const stream of streams) expect(await stream.streamError()).toBe('not-authorized')
    expect(performance.now() - suspended).toBeLessThan(SUSPENDED_SECONDS_MAX * 1_000)
    await expect(signIn('erin')).rejects.toThrow('account-disabled')
    await deployment().ctl(['account', 'restore', 'erin@localhost'])
    await (await signIn('erin')).close()
  })

  test('what the operator tells everybody comes to who is here, and is kept for nobody', async () => {
    for (const name of ['frank', 'grace', 'heidi']) await account(name)
    const here = [await signIn('frank'), await signIn('grace')]
    for (const client of here) await client.available()
    const notice = ['--title', 'Hello', '--body', 'From the operator', '--by', 'chat']
    const told = await deployment().ctl(['notice', 'publish', '--kind', 'announcement', ...notice])
    expect(told).toMatchObject({ code: 0 })
    for (const client of here) {
      const message = await client.next(({ name }) => name === 'message', SOON_MS)
      expect(message.attrs).toMatchObject({ from: 'localhost', type: 'headline' })
      expect(String(message)).toContain('<body>From the operator</body>')
      await client.close()
    }
    const later = await signIn('heidi')
    await later.available()
    await later.receivesNothing()
    await later.close()
  })
})

/** Slots of the keyring that are not wiped. */
async function usedSlots(file: string): Promise<number> {
  const content = await readFile(file)
  let used = 0
  for (let at = HEADER_BYTES; at < content.length; at += SLOT_BYTES) {
    if (content.subarray(at, at + SLOT_BYTES).some((byte) => byte !== 0)) used++
  }
  return used
}

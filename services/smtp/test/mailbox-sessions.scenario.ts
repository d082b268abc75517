/** Who may not sign in any more is put out of the mailbox server. Over HTTP to a server that answers as Dovecot 2.3 was seen to. */
import { defineConfig } from '@sealpost/config'
import { parseJid } from '@sealpost/jid'
import { VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { MailboxSessions } from '../src/mailbox/mailbox-sessions.ts'
import { DoveadmServer } from './doveadm-server.ts'
import { createFlow, type FlowFixture } from './flow.ts'

const stack = new AsyncDisposableStack()
const clock = new VirtualClock()
let fixture: FlowFixture
let doveadm: DoveadmServer
let sessions: string[]
let errors: unknown[]

beforeAll(async () => {
  fixture = stack.use(await createFlow())
  for (const name of ['ann', 'bob', 'st*r']) await fixture.account(name)
  doveadm = stack.use(await DoveadmServer.start())
  doveadm.reply = (name, { mask }) => {
    if (name === 'who') return sessions.map((username) => ({ username, connections: '1', service: 'imap' }))
    return mask?.[0] === 'bob@localhost' ? [{ result: 'bob@localhost' }] : 68
  }
})
afterAll(() => stack.disposeAsync())
beforeEach(() => {
  doveadm.asked = []
  doveadm.status = 200
  sessions = []
  errors = []
})

async function open(): Promise<void> {
  const { accounts, platform } = fixture
  const sessionsOf = new MailboxSessions({
    accounts,
    bus: platform.bus,
    domains: ['localhost'],
    clock,
    doveadm: doveadm.place,
    onError: (error) => errors.push(error),
  })
  onTestFinished(async () => {
    await sessionsOf[Symbol.asyncDispose]()
    for (const name of ['ann', 'bob', 'st*r']) await fixture.accounts.restore(parseJid(`${name}@localhost`))
  })
  await expect.poll(() => doveadm.asked.length + errors.length).toBeGreaterThan(0)
}

const suspend = (name: string) => fixture.accounts.suspend(parseJid(`${name}@localhost`), 'abuse')

test('a suspended account is kicked at once, and twice more for sign-ins that were under way', async () => {
  await open()
  await suspend('bob')
  await expect.poll(() => doveadm.asked).toEqual(['who', 'kick bob@localhost'])
  await clock.advance(5_000)
  await expect.poll(() => doveadm.asked).toHaveLength(3)
  await clock.advance(5_000)
  await expect
    .poll(() => doveadm.asked)
    .toEqual(['who', ...Array.from({ length: 3 }, () => 'kick bob@localhost')])
  await clock.advance(60_000)
  expect(doveadm.asked).toHaveLength(4)
  expect(errors).toEqual([])
})

test('at the start, of those who have sessions here the ones that may not are kicked', async () => {
  await suspend('ann')
  sessions = ['bob@localhost', 'ann@localhost', 'gone@localhost', 'root@elsewhere.example']
  await open()
  await expect.poll(() => doveadm.asked).toEqual(['who', 'kick ann@localhost', 'kick gone@localhost'])
})

test('one that cannot be kicked leaves none of the others in', async () => {
  const { reply } = doveadm
  onTestFinished(() => void (doveadm.reply = reply))
  doveadm.reply = (name, parameters) =>
    parameters.mask?.[0] === 'ann@localhost' ? 75 : reply(name, parameters)
  await suspend('ann')
  sessions = ['ann@localhost', 'gone@localhost']
  await open()
  await expect.poll(() => errors).toMatchObject([{ code: 'MAILBOX_SERVER_ANSWER' }])
  expect(doveadm.asked).toEqual(['who', 'kick ann@localhost', 'kick gone@localhost'])
})

test('a name is no pattern', async () => {
  await open()
  await suspend('st*r')
  await expect.poll(() => doveadm.asked).toEqual(['who', 'kick st?r@localhost'])
})

test.each([
  [401, 'MAILBOX_SERVER_REFUSED'],
  [500, 'MAILBOX_SERVER_ANSWER'],
])('a server that says %i is told of and asked again', async (code, error) => {
  doveadm.status = code
  await open()
  await expect.poll(() => errors).toMatchObject([{ code: error }])
  doveadm.status = 200
  await clock.advance(5_000)
  await expect.poll(() => doveadm.asked).toEqual(['who', 'who'])
  expect(errors).toHaveLength(1)
})

test('address and key go together', () => {
  const read = (environment: Record<string, string>) => () => defineConfig(environment, readConfig)
  expect(read({ MAILBOX_DOVEADM: 'http://127.0.0.1:8081' })).toThrow(/MAILBOX_DOVEADM_KEY go together/)
  expect(read({ MAILBOX_DOVEADM_KEY: 'key' })).toThrow(/go together/)
  expect(read({ MAILBOX_DOVEADM: 'dovecot', MAILBOX_DOVEADM_KEY: 'key' })).toThrow(/must be like http/)
  const both = { MAILBOX_DOVEADM: 'http://127.0.0.1:8081', MAILBOX_DOVEADM_KEY: 'key' }
  expect(defineConfig(both, readConfig).doveadm?.url.port).toBe('8081')
})

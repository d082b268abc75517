/** What the mailbox server is told to destroy: old mail by plan, and all of terminated accounts. Over HTTP to a server that answers as Dovecot 2.3 was seen to. */
import { parseJid } from '@sealpost/jid'
import { VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { MailboxRetention } from '../src/mailbox/mailbox-retention.ts'
import { DoveadmServer } from './doveadm-server.ts'
import { createFlow, type FlowFixture } from './flow.ts'

const DAY_MS = 24 * 60 * 60_000
const stack = new AsyncDisposableStack()
let fixture: FlowFixture
let doveadm: DoveadmServer
let errors: unknown[]
const ids = new Map<string, string>()

const jid = (name: string) => parseJid(`${name}@localhost`)
const expunged = (): string[] => doveadm.asked.filter((command) => command.startsWith('expunge'))
const old = (name: string): string => `expunge ${String(ids.get(name))} mailbox * savedbefore 7d`

beforeAll(async () => {
  doveadm = stack.use(await DoveadmServer.start())
  fixture = stack.use(await createFlow())
  const { accounts } = fixture
  await accounts.plans.set('week', { mailbox_days: 7 })
  await accounts.plans.set('large', { mailbox_mib: 5_000 })
  for (const name of ['ann', 'bob', 'cat', 'dan']) {
    ids.set(name, await fixture.account(name))
    if (name !== 'dan') await accounts.plans.assign(jid(name), name === 'bob' ? 'large' : 'week')
  }
  await accounts.suspend(jid('cat'), 'abuse')
})
afterAll(() => stack.disposeAsync())
beforeEach(() => {
  doveadm.asked = []
  doveadm.status = 200
  doveadm.reply = () => []
  errors = []
})

function open(clock: VirtualClock): MailboxRetention {
  const retention = new MailboxRetention({
    accounts: fixture.accounts,
    clock,
    random: { bytes: (count) => Buffer.alloc(count, 0xff) },
    doveadm: doveadm.place,
    onError: (error) => errors.push(error),
  })
  onTestFinished(() => retention[Symbol.asyncDispose]())
  return retention
}

test('soon after the start, and each day, mail that is older than the plan says is destroyed', async () => {
  const clock = new VirtualClock()
  const retention = open(clock)
  await clock.advance(15 * 60_000)
  expect(expunged()).toEqual([])
  await clock.advance(60_000)
  await expect.poll(expunged).toEqual([old('ann'), old('cat')])
  await retention.turn()
  doveadm.asked = []
  await clock.advance(DAY_MS)
  await expect.poll(expunged).toEqual([old('ann'), old('cat')])
  expect(errors).toEqual([])
})

test('an account that fails is told of, others go on, and the next turn tries it again', async () => {
  const retention = open(new VirtualClock())
  doveadm.reply = (_, { user }) => (user === ids.get('ann') ? 75 : [])
  await retention.turn()
  expect(expunged()).toEqual([old('ann'), old('cat')])
  expect(errors).toMatchObject([{ code: 'MAILBOX_SERVER_ANSWER' }])
  doveadm.reply = () => []
  await retention.turn()
  expect(expunged()).toHaveLength(4)
  expect(errors).toHaveLength(1)
})

test('a server that takes nothing is asked for no other account until the next turn', async () => {
  const retention = open(new VirtualClock())
  doveadm.status = 401
  await retention.turn()
  expect(errors).toMatchObject([{ code: 'MAILBOX_SERVER_REFUSED' }])
  expect(expunged()).toEqual([old('ann')])
  doveadm.status = 200
  await retention.turn()
  expect(expunged()).toHaveLength(3)
})

test('where no plan limits it, nobody is asked', async () => {
  await fixture.accounts.plans.set('week', {})
  await open(new VirtualClock()).turn()
  expect([doveadm.asked, errors]).toEqual([[], []])
})

test('a terminated account is erased here when the server has nothing of it any more', async () => {
  const clock = new VirtualClock()
  const following = await createFlow({}, { doveadm: doveadm.place }, { clock })
  onTestFinished(() => following[Symbol.asyncDispose]())
  const { accounts } = following
  const dan = await following.account('dan')
  let isGone = false
  doveadm.status = 500
  doveadm.reply = (name) => {
    if (name === 'mailboxList') return ['INBOX', 'Expunged', 'Friends'].map((mailbox) => ({ mailbox }))
    if (name === 'search' && !isGone) return [{ 'mailbox-guid': 'x', uid: '1' }]
    return name === 'kick' ? 68 : []
  }
  const kicks = (): string[] => doveadm.asked.filter((command) => command.startsWith('kick'))
  const asked = (): string[] => doveadm.asked.filter((command) => !/^(?:who|kick)/.test(command))
  const pending = (): Promise<string[]> => accounts.erasure.pending('smtp')
  await accounts.terminate(jid('dan'))
  await expect.poll(() => kicks().length).toBeGreaterThan(1)
  expect(await pending()).toEqual([dan])
  doveadm.status = 200
  await clock.advance(60_000)
  await expect.poll(() => asked().some((command) => command.startsWith('search'))).toBe(true)
  expect(await pending()).toEqual([dan])
  isGone = true
  await clock.advance(60_000)
  await expect.poll(pending).toEqual([])
  expect(asked().slice(-5)).toEqual([
    `expunge ${dan} mailbox * all`,
    `mailboxList ${dan}`,
    `mailboxDelete ${dan} Expunged Friends`,
    `mailboxCachePurge ${dan} INBOX`,
    `search ${dan} mailbox * all`,
  ])
  doveadm.asked = []
  await following.account('st*r')
  await accounts.terminate(jid('st*r')) // The server cannot have a mailbox of that name.
  await expect.poll(pending).toEqual([])
  expect(asked()).toEqual([])
})

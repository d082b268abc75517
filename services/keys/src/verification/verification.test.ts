import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import type { Mail } from '@sealpost/ports'
import { Budgets, Supervisor, systemClock, systemRandom } from '@sealpost/runtime'
import { sample } from '../../../../packages/openpgp/test/maker.ts'
import { CertificateWorker } from '../certificates/certificate-worker.ts'
import { noAccounts } from '../directory/_no-accounts.ts'
import { Directory } from '../directory/directory.ts'
import { memoryCertificateStore } from '../directory/store.memory.ts'
import { KeyMail } from './key-mail.ts'
import { MailLimits } from './mail-limits.ts'
import { hashMailedToken, newMailedToken } from './mailed-token.ts'
import { memoryLinkStore } from './store.memory.ts'
import { Verification } from './verification.ts'

const [clock, random] = [systemClock, systemRandom]
const worker = new CertificateWorker(clock)
afterAll(() => worker[Symbol.asyncDispose]())

test('the link of a certificate that is removed while it is confirmed leads nowhere', async () => {
  const [store, links] = [memoryCertificateStore(), memoryLinkStore(() => true, Buffer.alloc(32))]
  const owner = new Directory({ store, ...noAccounts, worker, clock })
  const { certificates } = await owner.submit(sample(1).bytes)
  const [fingerprint, address] = [certificates[0]?.fingerprint ?? '', 'user1@example.org']
  let reads = 0
  const directory = new Directory({
    store: {
      ...store,
      // Between the look at it and its publication.
      async find(each) {
        reads += 1
        if (reads === 2) expect(await owner.remove(fingerprint)).toBe(true)
        return store.find(each)
      },
    },
    ...noAccounts,
    worker,
    clock,
  })
  using limits = new MailLimits(clock, random)
  const verification = new Verification({
    directory,
    links,
    mail: new KeyMail({
      mail: { send: () => Promise.resolve() },
      worker,
      clock,
      random,
      domain: 'localhost',
    }),
    limits,
    clock,
    random,
    supervisor: new Supervisor(() => undefined),
    server: 'localhost',
    origin: () => 'https://localhost',
    isSuspended: () => Promise.resolve(false),
  })
  const token = newMailedToken(random)
  await links.put(hashMailedToken(token), {
    purpose: 'publish',
    fingerprint,
    address,
    expiresAt: clock.now() + 60_000,
  })
  expect(await verification.confirm(token)).toBeUndefined()
  expect(reads).toBeGreaterThan(1)
})

test('a mail that is not encrypted in time goes out plain', async () => {
  await using hasty = new CertificateWorker(clock, { limitMs: 1 })
  const certificate = sample(2).bytes
  const sent: string[] = []
  const mail: Mail = { send: ({ message }) => Promise.resolve(void sent.push(message.toString())) }
  for (const each of [worker, hasty])
    await new KeyMail({ mail, worker: each, clock, random, domain: 'localhost' }).send(
      'user2@example.org',
      { subject: 'Confirm', text: 'The link\n' },
      certificate,
    )
  expect(sent.map((each) => each.includes('The link'))).toEqual([false, true])
  expect(sent[0]).toContain('Content-Type: multipart/encrypted;')
})

test('what is remembered of who asked for mails, and of whom they went to, is neither address', () => {
  const methods = ['take', 'allows', 'giveBack'] as const
  // Each passes on what it is told.
  const spies = methods.map((method) => vi.spyOn(Budgets.prototype, method))
  onTestFinished(() => spies.forEach((spy) => spy.mockRestore()))
  using limits = new MailLimits(clock, random)
  limits.take('user1@example.org', '192.0.2.77')
  limits.takeByMail('user1@example.org', 'owner')
  limits.giveBack('user1@example.org')
  const remembered = spies.flatMap((spy) => spy.mock.calls.map(([key]) => key))
  expect(remembered).toHaveLength(5)
  expect(remembered.join()).not.toMatch(/user1|example|192\.0\.2/)
  expect(new Set(remembered).size).toBe(3)
})

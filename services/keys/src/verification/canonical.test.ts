import { afterAll, expect, test } from 'vitest'
import { Supervisor, systemClock, systemRandom } from '@sealpost/runtime'
import { sample } from '../../../../packages/openpgp/test/maker.ts'
import { CertificateWorker } from '../certificates/certificate-worker.ts'
import { noAccounts } from '../directory/_no-accounts.ts'
import { Directory } from '../directory/directory.ts'
import { memoryCertificateStore } from '../directory/store.memory.ts'
import { Canonical } from './canonical.ts'
import { KeyMail } from './key-mail.ts'
import { MailLimits } from './mail-limits.ts'
import { hashMailedToken, newMailedToken } from './mailed-token.ts'
import { memoryLinkStore } from './store.memory.ts'

const [clock, random] = [systemClock, systemRandom]
const worker = new CertificateWorker(clock)
afterAll(() => worker[Symbol.asyncDispose]())

test('a token whose certificate could not be published may be used again, for as long as before', async () => {
  const [store, links] = [memoryCertificateStore(), memoryLinkStore(() => true, Buffer.alloc(32))]
  const address = 'user1@example.org'
  let isAway = false
  const directory = new Directory({
    // What publishing begins with.
    store: {
      ...store,
      find: (each) => (isAway ? Promise.reject(new Error('away')) : store.find(each)),
    },
    ...noAccounts,
    worker,
    clock,
  })
  using limits = new MailLimits(clock, random)
  const parts = { worker, clock, random, domain: 'localhost' }
  const canonical = new Canonical({
    directory,
    links: {
      ...links,
      async takeToken(...token) {
        const taken = await links.takeToken(...token)
        isAway = true
        return taken
      },
    },
    mail: new KeyMail({ ...parts, mail: { send: () => Promise.resolve() } }),
    limits,
    clock,
    random,
    supervisor: new Supervisor(() => undefined),
    server: 'localhost',
    origin: () => 'https://localhost',
    isSuspended: () => Promise.resolve(false),
  })
  const token = newMailedToken(random)
  const expiresAt = clock.now() + 60_000
  await links.putToken(hashMailedToken(token), { address, expiresAt })
  await expect(canonical.set(address, token, sample(1).bytes)).rejects.toThrow('away')
  isAway = false
  expect(await directory.ownerOf(address)).toBeUndefined()
  expect(await canonical.isAuthorized(address, token)).toBe(true)
  expect(await links.hasToken(hashMailedToken(token), address, expiresAt)).toBe(false)
})

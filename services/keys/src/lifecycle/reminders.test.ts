import { afterAll, expect, test } from 'vitest'
import { systemClock, systemRandom } from '@sealpost/runtime'
import type { Clock } from '@sealpost/runtime'
import {
  BIRTH,
  certify,
  DAY,
  ed25519,
  flags,
  seconds,
  userId,
} from '../../../../packages/openpgp/test/maker.ts'
import { CertificateWorker } from '../certificates/certificate-worker.ts'
import { noAccounts } from '../directory/_no-accounts.ts'
import { Directory } from '../directory/directory.ts'
import { memoryCertificateStore } from '../directory/store.memory.ts'
import { KeyMail } from '../verification/key-mail.ts'
import { sendReminders } from './reminders.ts'

const worker = new CertificateWorker(systemClock)
afterAll(() => worker[Symbol.asyncDispose]())

test('a turn goes on while there are more, for half an hour; the next one has the rest', async () => {
  let elapsed = 0
  const clock: Clock = {
    ...systemClock,
    now: () => (BIRTH + 100 * DAY) * 1000 + elapsed,
    monotonic: () => elapsed,
  }
  const all = memoryCertificateStore()
  const store = { ...all, dueReminders: (day: string) => all.dueReminders(day, 1) }
  const directory = new Directory({ store, ...noAccounts, worker, clock })
  const recipients = new Set<string>()
  const tenMinutes = async ({ recipient }: { recipient: string }): Promise<void> => {
    recipients.add(recipient)
    elapsed += 10 * 60_000
  }
  const mail = new KeyMail({
    mail: { send: tenMinutes },
    worker,
    clock,
    random: systemRandom,
    domain: 'localhost',
  })
  for (const seed of [41, 42, 43, 44, 45]) {
    const [primary, address] = [ed25519(seed), `r${String(seed)}@example.org`]
    const hashed = [flags(3), seconds(9, 105 * DAY)]
    await directory.submit(
      Buffer.concat([primary.key.packet.bytes, userId(address), certify(primary, address, { hashed })]),
    )
    await directory.publish(primary.key.fingerprint.toString('hex').toUpperCase(), address)
  }
  let sent = 0
  const turn = (): Promise<void> =>
    sendReminders({
      store,
      directory,
      mail,
      clock,
      server: 'localhost',
      origin: () => 'https://localhost',
      onSent: () => (sent += 1),
    })
  const counts: number[] = []
  for (let turns = 0; turns < 3; turns += 1) {
    await turn()
    counts.push(sent)
  }
  expect(counts).toEqual([3, 5, 5])
  expect(recipients.size).toBe(5)
})

test('one that fails again and again holds up no other, and comes again in the next turn', async () => {
  const clock: Clock = { ...systemClock, now: () => (BIRTH + 100 * DAY) * 1000 }
  const store = memoryCertificateStore()
  const directory = new Directory({ store, ...noAccounts, worker, clock })
  const addresses = [51, 52, 53].map((seed) => `r${String(seed)}@example.org`)
  for (const [index, address] of addresses.entries()) {
    const primary = ed25519(51 + index)
    const hashed = [flags(3), seconds(9, (101 + index) * DAY)]
    await directory.submit(
      Buffer.concat([primary.key.packet.bytes, userId(address), certify(primary, address, { hashed })]),
    )
    await directory.publish(primary.key.fingerprint.toString('hex').toUpperCase(), address)
  }
  const tried: string[] = []
  const send = ({ recipient }: { recipient: string }): Promise<void> => {
    tried.push(recipient)
    return recipient === addresses[0] ? Promise.reject(new Error('always')) : Promise.resolve()
  }
  const mail = new KeyMail({ mail: { send }, worker, clock, random: systemRandom, domain: 'localhost' })
  const parts = { store, directory, mail, clock, server: 'localhost', origin: () => 'https://localhost' }
  const turn = (): Promise<void> => sendReminders({ ...parts, onSent: () => undefined })
  await expect(turn()).rejects.toThrow('always')
  expect(tried).toEqual(addresses)
  await expect(turn()).rejects.toThrow('always')
  expect(tried).toEqual([...addresses, addresses[0]])
})

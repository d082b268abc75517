/** draft-koch-openpgp-webkey-service §4: mail to the address to which keys are submitted, from the ports to the key directory. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PortError, type KeyDirectory, type SubmissionMail } from '@sealpost/ports'
import type { Arrival } from '../src/mailbox/arrival.ts'
import { keySubmissionStage } from '../src/stages/key-submission.ts'
import { ownAddressesStage } from '../src/stages/own-addresses.ts'
import { DkimKeys } from '../src/signing/dkim-keys.ts'
import { createDkimSigner } from '../src/signing/dkim-signer.ts'
import { MailRelay } from '../../../test/faults/mail-relay.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import { createFlow, enqueue, envelopeFor, type FlowFixture } from './flow.ts'
import { MailSink } from './mail-sink.ts'
import { noDns } from './peers.ts'
import { ALICE, openTestReception, send, type TestReception } from './reception.ts'
import { SmtpClient } from './smtp-client.ts'

const ADDRESS = 'key-submission@localhost'
const STRANGER = 'sender@elsewhere.example'

describe('at the ports', () => {
  let reception: TestReception
  beforeAll(async () => {
    reception = await openTestReception({
      stages: ({ platform: { domains } }) => [
        ownAddressesStage({ domains }),
        keySubmissionStage({ domains }),
      ],
    })
  })
  afterAll(() => reception[Symbol.asyncDispose]())

  test('§4.1: it takes mail of our users and from elsewhere, in any case of its letters, and there is no such account', async () => {
    for (const to of [ADDRESS, 'Key-Submission@LOCALHOST']) {
      const mx = await reception.connect('mx')
      expect(await send(mx, { from: STRANGER, to: [to], text: `From: ${STRANGER}\r\n\r\nkey` })).toMatch(
        /^250/,
      )
      const user = await reception.signedIn()
      expect(await send(user, { from: ALICE, to: [to], text: `From: ${ALICE}\r\n\r\nkey` })).toMatch(/^250/)
    }
    const mx = await reception.connect('mx')
    await mx.ask(`MAIL FROM:<${STRANGER}>`)
    expect(await mx.ask('RCPT TO:<key-submission@elsewhere.example>')).toMatch(/^550 5\.7\.1/)
  })

  test('servers that call back find the sender of the directory; a mail to it is refused', async () => {
    const mx = await reception.connect('mx')
    await mx.ask('MAIL FROM:<>')
    expect(await mx.ask('RCPT TO:<keys@localhost>')).toMatch(/^250/)
    for (const sender of [undefined, STRANGER]) {
      const client = await reception.connect('mx')
      const text = `From: ${STRANGER}\r\n\r\nanswer`
      expect(await send(client, { from: sender ?? '', to: ['Keys@localhost'], text })).toMatch(
        /^550 5\.1\.1 Nobody reads/,
      )
    }
  })

  test('what is larger than a key may be is refused while its sender is there', async () => {
    const mx = await reception.connect('mx')
    const text = `From: ${STRANGER}\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(14_000)}`
    expect(await send(mx, { from: STRANGER, to: [ADDRESS], text })).toMatch(/^552 5\.3\.4/)
    expect(await send(mx, { from: STRANGER, to: [ALICE], text })).toMatch(/^250/)
  })

  test('nobody else sends from it', async () => {
    const mx = await reception.connect('mx')
    expect(await mx.ask(`MAIL FROM:<${ADDRESS}>`)).toMatch(/^550 5\.7\.1/)
    const user = await reception.signedIn()
    expect(await user.ask(`MAIL FROM:<${ADDRESS}>`)).toMatch(/^5/)
  })
})

describe('in the queue', () => {
  const brought: SubmissionMail[] = []
  let away = false
  const keys: Pick<KeyDirectory, 'submit'> = {
    submit(mail) {
      if (away) return Promise.reject(new PortError('PORT_UNREACHABLE'))
      brought.push(mail)
      return Promise.resolve()
    },
  }
  /** Nothing passes. */
  const arrival: Arrival = {
    prepare: () =>
      Promise.resolve({
        result: 'refused',
        reply: { code: 550, status: '5.7.1', text: 'Encryption needed', host: undefined },
      }),
  }
  let fixture: FlowFixture
  let ann: string
  beforeAll(async () => {
    fixture = await createFlow({}, {}, {}, { keys, arrival })
    ann = await fixture.account('ann')
  })
  afterAll(() => fixture[Symbol.asyncDispose]())
  beforeEach(() => {
    brought.length = 0
    away = false
  })

  test('the directory gets the mail whole, and whether one of our users has sent it; then the queue has nothing of it', async () => {
    const header = 'From: <ann@localhost>\r\nSubject: hello\r\n\r\n'
    await enqueue(fixture.flow, {
      account: ann,
      envelope: envelopeFor('ann@localhost', ADDRESS),
      header,
      body: 'one\r\n',
    })
    await enqueue(fixture.flow, { envelope: envelopeFor(STRANGER, ADDRESS), header, body: 'two\r\n' })
    await expect
      .poll(() => brought.toSorted((a, b) => a.message.compare(b.message)))
      .toEqual([
        { domain: 'localhost', authenticated: true, message: Buffer.from(`${header}one\r\n`) },
        { domain: 'localhost', authenticated: false, message: Buffer.from(`${header}two\r\n`) },
      ])
    await expect.poll(() => fixture.flow.queue.list(10)).toEqual([])
  })

  test('while the directory is away the mail waits, over a restart too, and comes when it is back', async () => {
    away = true
    const id = await enqueue(fixture.flow, { account: ann, envelope: envelopeFor('ann@localhost', ADDRESS) })
    const reason = (): string | undefined => fixture.flow.queue.show(id)?.recipients[0]?.reason?.status
    await expect.poll(reason).toBe('4.3.0')
    await fixture.restart()
    expect(fixture.flow.queue.show(id)).toBeDefined()
    away = false
    await fixture.flow.queue.retry(id)
    await expect.poll(() => brought.length).toBe(1)
    await expect.poll(() => fixture.flow.queue.show(id)).toBeUndefined()
  })

  test('what the directory writes from there reaches mailboxes that take encrypted mail alone, as it is', async () => {
    const message = Buffer.from(`From: ${ADDRESS}\r\n\r\nconfirm\r\n`)
    const before = fixture.flow.mailbox.list(ann, 10).length
    await fixture.flow.mail.send({ sender: ADDRESS, recipient: 'ann@localhost', message })
    await expect.poll(() => fixture.flow.mailbox.list(ann, 10).length).toBe(before + 1)
    await fixture.flow.mail.send({ sender: 'keys@localhost', recipient: 'ann@localhost', message })
    await expect.poll(() => fixture.flow.queue.list(10)).toEqual([])
    expect(fixture.flow.mailbox.list(ann, 10)).toHaveLength(before + 1)
  })
})

/** A key directory that takes questions and answers none: the port, and a promise of the first. */
async function silentDirectory(): Promise<{ url: string; asked: Promise<unknown> } & AsyncDisposable> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${String(port)}`,
    asked: once(server, 'request'),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

test('kill -9 between the 250 and the answer of the directory: the submission is brought again', async () => {
  const brought: SubmissionMail[] = []
  const keys: Pick<KeyDirectory, 'submit'> = { submit: async (mail) => void brought.push(mail) }
  await using fixture = await createFlow({}, {}, {}, { keys })
  await fixture.account('ann')
  await fixture.flow[Symbol.asyncDispose]()
  await using directory = await silentDirectory()
  await using relay = new MailRelay(fixture.platform)
  await relay.start({ KEYS_URL: directory.url })
  const ca = await readFile(fixture.platform.caFile, 'utf8')
  using client = await SmtpClient.connect(relay.ports.submissions, { ca })
  await client.ask()
  await client.ask('EHLO client.example')
  await client.ask(`AUTH PLAIN ${Buffer.from('\0ann@localhost\0pass-word').toString('base64')}`)
  const text = 'From: ann@localhost\r\nSubject: Key publishing request\r\n\r\nthe key'
  expect(await send(client, { from: 'ann@localhost', to: [ADDRESS], text })).toMatch(/^250/)
  await directory.asked
  await relay.kill()
  await fixture.restart()
  const [waiting] = fixture.flow.queue.list(10)
  await fixture.flow.queue.retry(waiting?.id ?? '')
  await expect.poll(() => brought).toMatchObject([{ domain: 'localhost', authenticated: true }])
  expect(brought[0]?.message.toString()).toMatch(
    /^Subject: Key publishing request\r\n[^]*\r\n\r\nthe key\r\n$/m,
  )
})

test('what the directory sends to others is signed by DKIM like all mail of ours', async () => {
  await using sink = await MailSink.open()
  await using platform = await createTestPlatform()
  const { dataDir, clock, random } = platform
  using dkim = new DkimKeys({ dataDir, domains: ['localhost'], resolver: noDns, clock, random })
  const signer = createDkimSigner({ keys: dkim, clock })
  await using fixture = await createFlow({ 'elsewhere.example': sink.smarthost }, {}, {}, { signer })
  const message = Buffer.from('From: Key directory <keys@localhost>\r\n\r\nyour link\r\n')
  await fixture.flow.mail.send({ sender: 'keys@localhost', recipient: STRANGER, message })
  const { message: sent } = await sink.next(0)
  expect(sent.match(/^DKIM-Signature: /gm)).toHaveLength(2)
  expect(sent).toMatch(/\bd=localhost;/)
})

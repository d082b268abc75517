/**
 * What an operator may put back or lose, with `npm start` as it is: Postgres from an older copy under today's keyrings, keyrings that are lost, emptied, or of an older
 * day, another database. It starts and says what is unreadable, or refuses, says why, and destroys nothing.
 */
import { cp, mkdir, rename, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { Deployment } from '@sealpost/dev-env'
import { expect, onTestFinished } from 'vitest'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { temporaryDirectory } from '../faults/scene.ts'
import { longTest } from '../long-test.ts'

const PATIENCE_MS = 240_000
const PASSWORD = 'correct horse'
const AUTHORIZATION = `Basic ${Buffer.from(`bob@localhost:${PASSWORD}`).toString('base64')}`
const OWNERS = ['xmpp', 'smtp'] as const

interface Server {
  readonly deployment: Deployment
  readonly postgres: string
  readonly keyring: string
  /** A place for a copy. */
  readonly at: (name: string) => string
}

async function serve(): Promise<Server> {
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(await temporaryDirectory())
  const dataDir = join(path, 'data')
  const deployment = stack.use(await Deployment.start({ shape: 'all-in-one', dataDir }))
  const held = stack.move()
  onTestFinished(() => held.disposeAsync())
  for (const name of ['ann', 'bob']) {
    const made = await deployment.ctl(
      ['account', 'create', `${name}@localhost`, '--password-stdin'],
      `${PASSWORD}\n`,
    )
    expect(made.code).toBe(0)
  }
  return {
    deployment,
    postgres: join(dataDir, 'postgres'),
    keyring: join(dataDir, 'keyring'),
    at: (name) => join(path, name),
  }
}

async function signIn({ deployment }: Server, username: string): Promise<TestClient> {
  const client = await TestClient.signIn({
    port: deployment.ports.xmpp,
    username,
    password: PASSWORD,
    resource: 'desk',
  })
  client.acknowledging = false
  await client.enableStreamManagement()
  client.sends('<presence/>')
  return client
}

/** Taken as safe: `h` has passed it. */
async function write(server: Server, ids: readonly string[]): Promise<void> {
  const ann = await signIn(server, 'ann')
  for (const id of ids)
    ann.sends(
      `<message to='bob@localhost' type='chat' id='${id}'><encrypted xmlns='eu.siacs.conversations.axolotl'>` +
        `<header sid='1'><key rid='2'>${'QUFB'.repeat(12)}</key><iv>AAAAAAAAAAAAAAAA</iv></header><payload>QUFB</payload></encrypted></message>`,
    )
  await ann.safeUpTo(ids.length + 1)
  await ann.close()
}

/** Those that come, all acknowledged when `take` is as many. */
async function receive(server: Server, take: number): Promise<string[]> {
  const bob = await signIn(server, 'bob')
  const ids: string[] = []
  for (let count = 0; count < take; count++) ids.push((await bob.message()).attrs['id'] ?? '')
  bob.sends(`<a xmlns='urn:xmpp:sm:3' h='${String(take)}'/>`)
  await bob.ping()
  await bob.close()
  return ids
}

async function mail({ deployment }: Server, subject: string): Promise<void> {
  using client = await SmtpClient.connect(deployment.ports.smtp)
  await client.ask()
  await client.ask('EHLO sender.example')
  await client.ask('MAIL FROM:<ann@elsewhere.example>')
  expect(await client.ask('RCPT TO:<bob@localhost>')).toMatch(/^250/)
  await client.ask('DATA')
  client.send(`From: <ann@elsewhere.example>\r\nSubject: ${subject}\r\n\r\nx\r\n`)
  expect(await client.ask('.')).toMatch(/^250/)
}

async function inbox({ deployment }: Server): Promise<{ id: string; text: string }[]> {
  const headers = { authorization: AUTHORIZATION }
  const list = await fetch(deployment.url('smtp', '/v1/mail'), { headers })
  const { items } = (await list.json()) as { items: { id: string }[] }
  return Promise.all(
    items.map(async ({ id }) => {
      const one = await fetch(deployment.url('smtp', `/v1/mail/${id}`), { headers })
      return { id, text: await one.text() }
    }),
  )
}

async function subjects(server: Server): Promise<string[]> {
  return (await inbox(server)).map(({ text }) => /^Subject: (\S+)/m.exec(text)?.[1] ?? '').toSorted()
}

async function throwAway(server: Server, subject: string): Promise<void> {
  const { id } = (await inbox(server)).find(({ text }) => text.includes(`Subject: ${subject}`)) ?? { id: '' }
  const headers = { authorization: AUTHORIZATION }
  const gone = await fetch(server.deployment.url('smtp', `/v1/mail/${id}`), { method: 'DELETE', headers })
  expect(gone.status).toBeLessThan(300)
}

/** It ends by itself, and says this code. */
async function expectRefusal({ deployment }: Server, reason: RegExp): Promise<void> {
  await expect(deployment.start()).rejects.toThrow(reason)
}

longTest(
  'Postgres of an older day under the keyrings of today: what still waits comes, what was delivered does not, what came since is lost',
  async () => {
    const server = await serve()
    const { deployment, postgres, at } = server
    await receive(server, 0)
    await write(server, ['one', 'two', 'three'])
    for (const subject of ['first', 'second']) await mail(server, subject)
    await expect.poll(() => subjects(server), { timeout: 20_000 }).toEqual(['first', 'second'])
    await deployment.stop()
    await cp(postgres, at('backup'), { recursive: true, preserveTimestamps: true })

    await deployment.start()
    expect(await receive(server, 2)).toEqual(['one', 'two'])
    await write(server, ['four'])
    await throwAway(server, 'first')
    await mail(server, 'third')
    await deployment.kill()
    await rm(postgres, { recursive: true })
    await rename(at('backup'), postgres)

    await deployment.start()
    expect(await subjects(server)).toEqual(['second'])
    expect(await receive(server, 1)).toEqual(['three'])
    await write(server, ['five'])
    expect(await receive(server, 1)).toEqual(['five'])
    for (const event of ['sealed_store_reconciled', 'mail_store_reconciled'])
      expect(deployment.output).toContain(`"event":"${event}"`)
  },
  PATIENCE_MS,
)

longTest(
  'keyrings that are lost, emptied, or copied back from an older day: nothing starts over them, and nothing is destroyed',
  async () => {
    const server = await serve()
    const { deployment, keyring, at } = server
    await receive(server, 0)
    await write(server, ['one'])
    await mail(server, 'first')
    await expect.poll(() => subjects(server), { timeout: 20_000 }).toEqual(['first'])
    await deployment.stop()
    await cp(keyring, at('older'), { recursive: true })
    await deployment.start()
    await deployment.stop()

    for (const owner of OWNERS) {
      const file = join(keyring, owner, 'keyring.slots')
      await rename(file, at('aside'))
      await expectRefusal(server, /The database holds sealed rows but their keyring is missing/)
      await cp(at('aside'), file)
      await truncate(file, 0)
      await expectRefusal(server, /The header of the keyring is unreadable/)
      await cp(join(at('older'), owner, 'keyring.slots'), file)
      await expectRefusal(server, /older copy .* keys that were destroyed since/)
      await cp(at('aside'), file)
    }
    await deployment.start()
    expect(await receive(server, 1)).toEqual(['one'])
    expect(await subjects(server)).toEqual(['first'])

    await deployment.stop()
    await rm(keyring, { recursive: true })
    await expectRefusal(server, /their keyring is missing/)
    expect((await deployment.ctl(['keyring', 'reset'])).code).toBe(0)
    await deployment.start()
    expect(await subjects(server)).toEqual([])
    await write(server, ['two'])
    expect(await receive(server, 1)).toEqual(['two'])
  },
  PATIENCE_MS,
)

longTest(
  'another database: refused, and both keep what they have',
  async () => {
    const server = await serve()
    const { deployment, postgres, at } = server
    await receive(server, 0)
    await write(server, ['one'])
    await deployment.stop()
    await rename(postgres, at('right'))
    await mkdir(postgres, { mode: 0o700 })
    await rm(postgres, { recursive: true })
    await expectRefusal(server, /The keyring belongs to another database/)
    await rm(postgres, { recursive: true })
    await rename(at('right'), postgres)
    await deployment.start()
    expect(await receive(server, 1)).toEqual(['one'])
  },
  PATIENCE_MS,
)

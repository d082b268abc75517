/**
 * What an operator may put back or lose, with `npm start` as it is: Postgres from an older copy under today's keyrings, keyrings that are lost, emptied, or of an older
 * day, another database. It starts and says how much is unreadable, or refuses, says why, and destroys nothing; no sender is told anything.
 */
import { cp, mkdir, readFile, rename, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { Deployment } from '@sealpost/dev-env'
import { expect, onTestFinished } from 'vitest'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { temporaryDirectory } from '../faults/scene.ts'
import { StandingServer } from '../faults/standing-server.ts'
import { longTest } from '../long-test.ts'
import { namedInLog } from '../named-in-log.ts'

const PATIENCE_MS = 240_000
const PASSWORD = 'correct horse'
const authorizationOf = (name: string): string =>
  `Basic ${Buffer.from(`${name}@localhost:${PASSWORD}`).toString('base64')}`
const OWNERS = ['xmpp', 'smtp'] as const

interface Server {
  readonly deployment: Deployment
  readonly postgres: string
  readonly keyring: string
  /** Another mail server: has what was sent to example.com. */
  readonly outside: StandingServer
  /** A place for a copy. */
  readonly at: (name: string) => string
}

async function serve(): Promise<Server> {
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(await temporaryDirectory())
  const dataDir = join(path, 'data')
  const outside = stack.use(await StandingServer.open())
  const env = { SMTP_ROUTES: `example.com=${outside.place}` }
  const deployment = stack.use(await Deployment.start({ shape: 'all-in-one', dataDir, env }))
  const held = stack.move()
  onTestFinished(async () => {
    await held.disposeAsync()
    expect(namedInLog(deployment.output)).toEqual([])
  })
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
    outside,
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

/** Neither an error nor a marker, and no bounce. */
async function expectNothingSaid(server: Server, to: string): Promise<void> {
  const sender = await signIn(server, to)
  await sender.next(({ name }) => name === 'presence') // its own
  await sender.receivesNothing()
  await sender.close()
  expect(await inbox(server, to)).toEqual([])
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
  let left = take
  // As it comes, since what else is counted may come before or after it.
  bob.onElement = ({ name }) => {
    if (name === 'message' && left-- > 0) bob.acknowledge(bob.received)
  }
  for (let count = 0; count < take; count++) ids.push((await bob.message()).attrs['id'] ?? '')
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

/** Ann's, to another server, which takes none yet. */
async function submit({ deployment, outside }: Server, titles: readonly string[]): Promise<void> {
  outside.refuse = () => ({ code: 451, text: '4.3.0 later' })
  using client = await SmtpClient.connect(deployment.ports.submissions, {
    ca: await readFile(deployment.caFile, 'utf8'),
  })
  await client.ask()
  await client.ask('EHLO client.example')
  const credentials = Buffer.from(`\0ann@localhost\0${PASSWORD}`).toString('base64')
  expect(await client.ask(`AUTH PLAIN ${credentials}`)).toMatch(/^235/)
  for (const subject of titles) {
    await client.ask('MAIL FROM:<ann@localhost>')
    expect(await client.ask('RCPT TO:<carl@example.com>')).toMatch(/^250/)
    await client.ask('DATA')
    client.send(`From: <ann@localhost>\r\nTo: <carl@example.com>\r\nSubject: ${subject}\r\n\r\nx\r\n`)
    expect(await client.ask('.')).toMatch(/^250/)
  }
}

/** It takes what waits for it: these, once each. */
async function deliver({ deployment, outside }: Server, titles: readonly string[]): Promise<void> {
  outside.mails.length = 0
  outside.refuse = (address) =>
    address === 'carl@example.com' ? undefined : { code: 550, text: '5.1.1 who?' }
  const retry = async (): Promise<string> => {
    const { output } = await deployment.ctl(['mail', 'queue'])
    for (const [id] of output.matchAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g))
      await deployment.ctl(['mail', 'retry', id])
    return output
  }
  await expect.poll(retry, { timeout: 60_000 }).toContain('No mail waits')
  const delivered = outside.mails.map((each) => /^Subject: (\S+)/m.exec(each)?.[1] ?? '')
  expect(delivered).toEqual(titles)
}

async function inbox({ deployment }: Server, of = 'bob'): Promise<{ id: string; text: string }[]> {
  const headers = { authorization: authorizationOf(of) }
  const list = await fetch(deployment.url('smtp', '/v1/mail'), { headers })
  expect(list.status).toBe(200)
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
  const headers = { authorization: authorizationOf('bob') }
  const gone = await fetch(server.deployment.url('smtp', `/v1/mail/${id}`), { method: 'DELETE', headers })
  expect(gone.status).toBeLessThan(300)
}

/** How much of what was found at the start is unreadable, and lost. */
function reconciled(said: string, store: 'sealed' | 'mail'): unknown[] {
  return said
    .split('\n')
    .filter((line) => line.includes(`"event":"${store}_store_reconciled"`))
    .map((line) => {
      const { kind, count } = JSON.parse(line) as { kind: string; count: number }
      return { kind, count }
    })
}

/** It ends by itself, and says this code. */
async function expectRefusal({ deployment }: Server, reason: RegExp): Promise<void> {
  await expect(deployment.start()).rejects.toThrow(reason)
}

longTest(
  'Postgres of an older day under the keyrings of today: what still waits comes, what was delivered does not, what came since is lost, and no sender is told of it',
  async () => {
    const server = await serve()
    const { deployment, postgres, at } = server
    await receive(server, 0)
    await write(server, ['one', 'two', 'three'])
    for (const subject of ['first', 'second']) await mail(server, subject)
    await expect.poll(() => subjects(server)).toEqual(['first', 'second'])
    await submit(server, ['sent'])
    await deployment.stop()
    await cp(postgres, at('backup'), { recursive: true, preserveTimestamps: true })

    await deployment.start()
    expect(await receive(server, 2)).toEqual(['one', 'two'])
    await write(server, ['four'])
    await throwAway(server, 'first')
    await mail(server, 'third')
    await deliver(server, ['sent'])
    await submit(server, ['lost'])
    await deployment.kill()
    await rm(postgres, { recursive: true })
    await rename(at('backup'), postgres)

    const before = deployment.output.length
    await deployment.start()
    const said = deployment.output.slice(before)
    await expect.poll(() => subjects(server)).toEqual(['second'])
    expect(await receive(server, 1)).toEqual(['three'])
    await write(server, ['five'])
    expect(await receive(server, 1)).toEqual(['five'])
    await deliver(server, [])
    await expectNothingSaid(server, 'ann')
    const rows = { kind: 'row_without_key', count: 2 }
    expect(reconciled(said, 'sealed')).toEqual([rows, { kind: 'key_without_row', count: 1 }])
    expect(reconciled(said, 'mail')).toEqual([rows, { kind: 'key_without_row', count: 2 }])
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
    await expect.poll(() => subjects(server)).toEqual(['first'])
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

    await write(server, ['lost'])
    await submit(server, ['lost'])
    await deployment.stop()
    await rm(keyring, { recursive: true })
    await expectRefusal(server, /their keyring is missing/)
    expect((await deployment.ctl(['keyring', 'reset'])).code).toBe(0)
    const before = deployment.output.length
    await deployment.start()
    const said = deployment.output.slice(before)
    expect(reconciled(said, 'sealed')).toEqual([{ kind: 'row_without_key', count: 1 }])
    expect(reconciled(said, 'mail')).toEqual([{ kind: 'row_without_key', count: 2 }])
    expect(await subjects(server)).toEqual([])
    await deliver(server, [])
    await write(server, ['two'])
    expect(await receive(server, 1)).toEqual(['two'])
    await expectNothingSaid(server, 'ann')
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

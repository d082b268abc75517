/** Handing mails on to the server that takes all outgoing ones, and the port by which other processes ask for it. */
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { once } from 'node:events'
import { createHttp } from '@sealpost/http'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { mailClient, openPortSecret } from '@sealpost/ports'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mailRoutes } from '../src/ports/mail-routes.ts'
import { smarthostMail, type Smarthost } from '../src/smarthost.ts'
import { MailSink } from './mail-sink.ts'

const outcomes: string[] = []
const open = (smarthost: Smarthost | undefined) =>
  smarthostMail({
    smarthost,
    name: 'localhost',
    clock: systemClock,
    events: { sent: (outcome) => void outcomes.push(outcome) },
  })

const mail = {
  sender: 'keys@example.org',
  recipient: 'ann@example.com',
  message: Buffer.from('Subject: x\r\n\r\n.dot\r\nend\r\n'),
}

test('a mail arrives as it was, over TLS where that is offered', async () => {
  await using sink = await MailSink.open()
  await open(sink.smarthost).send(mail)
  expect(sink.mails).toEqual([{ ...mail, message: mail.message.toString(), secure: true }])
  expect(outcomes.at(-1)).toBe('accepted')
})

test.each([
  [550, 'MAIL_REFUSED'],
  [451, 'MAIL_DEFERRED'],
])('%i is %s', async (code, error) => {
  await using sink = await MailSink.open()
  sink.refusal = { code, text: 'no' }
  await expect(open(sink.smarthost).send(mail)).rejects.toMatchObject({ name: 'MailError', code: error })
  expect([sink.mails, outcomes.at(-1)]).toEqual([[], error])
})

/** A server that greets as told and then says nothing. */
async function mute(greeting: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    if (greeting === '') socket.destroy()
    else socket.write(greeting)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

test('nobody there, one that hangs up, one that is none: deferred', async () => {
  const deferred = { code: 'MAIL_DEFERRED' }
  await expect(open({ host: '127.0.0.1', port: 1 }).send(mail)).rejects.toMatchObject(deferred)
  for (const greeting of ['', 'HTTP/1.1 400 Bad Request\r\n\r\n', '421 busy\r\n']) {
    const server = await mute(greeting)
    const { port } = server.address() as AddressInfo
    await expect(open({ host: '127.0.0.1', port }).send(mail)).rejects.toMatchObject(deferred)
    server.close()
  }
})

test('without a server nothing is sent, and that is said', async () => {
  await expect(open(undefined).send(mail)).rejects.toMatchObject({ code: 'MAIL_NO_WAY_OUT' })
})

test('more than can be under way are told to come again', async () => {
  const server = await mute('220 wait\r\n')
  const { port } = server.address() as AddressInfo
  const crowded = open({ host: '127.0.0.1', port })
  const sockets: Socket[] = []
  server.on('connection', (socket) => void sockets.push(socket))
  const sent = Array.from({ length: 17 }, () => crowded.send(mail))
  await expect(sent.at(-1)).rejects.toMatchObject({ code: 'MAIL_DEFERRED' })
  while (sockets.length < 16) await once(server, 'connection')
  for (const socket of sockets) socket.destroy()
  const settled = await Promise.allSettled(sent)
  expect(settled.every(({ status }) => status === 'rejected')).toBe(true)
  server.close()
})

test('another process sends by the port, with the secret; strangers get 401', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = stack.adopt(await mkdtemp(join(tmpdir(), 'sealpost-mail-')), (path) =>
    rm(path, { recursive: true }),
  )
  const secret = await openPortSecret(folder, systemRandom)
  const sink = stack.use(await MailSink.open())
  const http = stack.use(
    await createHttp({ log: createLog({ level: 'silent' }), metrics: createMetrics(), title: 'Test' }),
  )
  await http.app.register(mailRoutes(open(sink.smarthost), secret))
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  const url = new URL(`http://127.0.0.1:${String(port)}`)
  const client = mailClient({ url, secret, onError: () => undefined })
  await client.send(mail)
  expect(sink.mails).toMatchObject([{ recipient: mail.recipient, message: mail.message.toString() }])
  sink.refusal = { code: 550, text: 'no' }
  await expect(client.send(mail)).rejects.toMatchObject({ code: 'MAIL_REFUSED' })
  const stranger = await fetch(new URL('/internal/mail', url), { method: 'POST' })
  expect(stranger.status).toBe(401)
})

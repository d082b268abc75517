import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemRandom } from '@sealpost/runtime'
import { mailClient } from './mail-client.ts'
import type { Mail } from './mail.ts'
import { openPortSecret, type PortSecret } from './port-secret.ts'

let folder: string
let secret: PortSecret
let mail: Mail
let answer = { status: 200, body: '' }
const asked: unknown[] = []
async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url, headers } = request
  asked.push([method, url, headers.authorization === secret.authorization, await json(request)])
  response.writeHead(answer.status).end(answer.body)
}
const server = createServer((request, response) => void reply(request, response))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealpost-ports-'))
  secret = await openPortSecret(folder, systemRandom)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`)
  mail = mailClient({ url, secret, onError: () => undefined })
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true })
})

const letter = {
  sender: 'a@example.org',
  recipient: 'b@example.org',
  message: Buffer.from('Subject: ü\r\n\r\nx'),
}

test('hands the mail over with the secret', async () => {
  answer = { status: 200, body: '{"failed":null}' }
  await mail.send(letter)
  const body = { ...letter, message: letter.message.toString('base64') }
  expect(asked).toEqual([['POST', '/internal/mail', true, body]])
})

test.each([
  [200, '{"failed":"MAIL_NO_WAY_OUT"}', { name: 'MailError', code: 'MAIL_NO_WAY_OUT' }],
  [200, '{"failed":"MAIL_REFUSED"}', { name: 'MailError', code: 'MAIL_REFUSED' }],
  [200, '{"failed":"toString"}', { name: 'PortError', code: 'PORT_FAILED' }],
  [200, '{}', { name: 'PortError', code: 'PORT_FAILED' }],
  [401, '{}', { name: 'PortError', code: 'PORT_REFUSED' }],
  [500, '{}', { name: 'PortError', code: 'PORT_FAILED' }],
])('an answer %i %s is an error of its kind', async (status, body, error) => {
  answer = { status, body }
  await expect(mail.send(letter)).rejects.toMatchObject(error)
})

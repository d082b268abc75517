/** Conversations from addresses of the world, by the PROXY protocol. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { onTestFinished } from 'vitest'
import { PASSWORD, send } from './reception.ts'
import type { TestReception } from './reception.ts'
import { SmtpClient } from './smtp-client.ts'

export interface Outside {
  readonly address: string
  readonly helo?: string
  readonly from: string
  readonly to?: readonly string[]
  readonly text: string
}

/** A connection of somebody with this address, greeted. The reception must take 127.0.0.1 for a proxy. */
export async function connectFrom(
  reception: TestReception,
  address: string,
  helo = 'mail.elsewhere.example',
): Promise<SmtpClient> {
  const socket = await proxied(reception.ports.mx, address)
  const client = SmtpClient.over(socket)
  onTestFinished(() => client[Symbol.dispose]())
  await client.ask()
  await client.ask(`EHLO ${helo}`)
  return client
}

/** On `submissions`, signed in. */
export async function signedInFrom(
  reception: TestReception,
  address: string,
  username: string,
): Promise<SmtpClient> {
  const socket = await proxied(reception.ports.submissions, address)
  const secure = connectTls({ socket, servername: 'localhost', ca: reception.ca })
  await once(secure, 'secureConnect')
  const client = SmtpClient.over(secure)
  onTestFinished(() => client[Symbol.dispose]())
  await client.ask()
  await client.ask('EHLO client.example')
  await client.ask(`AUTH PLAIN ${Buffer.from(`\0${username}\0${PASSWORD}`).toString('base64')}`)
  return client
}

async function proxied(port: number, address: string): Promise<Socket> {
  const family = address.includes(':') ? 'TCP6' : 'TCP4'
  const own = family === 'TCP6' ? '2001:db8::1' : '192.0.2.254'
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`PROXY ${family} ${address} ${own} 50000 25\r\n`)
  return socket
}

/** The reply to DATA, or the first refusal before it. */
export async function mailFrom(reception: TestReception, mail: Outside): Promise<string> {
  const client = await connectFrom(reception, mail.address, mail.helo)
  const to = mail.to ?? ['bob@localhost']
  const sender = await client.ask(`MAIL FROM:<${mail.from}>`)
  if (!sender.startsWith('250')) return sender
  for (const recipient of to) {
    const reply = await client.ask(`RCPT TO:<${recipient}>`)
    if (!reply.startsWith('250')) return reply
  }
  await client.ask('RSET')
  return send(client, { from: mail.from, to, text: mail.text })
}

/** A worker that sends one mail whose body is lines of two dots, as fast as it is taken, and says what was replied. */
import { parentPort, workerData } from 'node:worker_threads'
import { SmtpClient } from './smtp-client.ts'

const { port, from, to, bytes } = workerData as { port: number; from: string; to: string; bytes: number }
const PIECE = Buffer.alloc(1024 * 1024, '..\r\n')

const client = await SmtpClient.connect(port)
await client.ask()
for (const line of ['EHLO dots.example', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA'])
  await client.ask(line)
client.send('Subject: x\r\n\r\n')
for (let sent = 0; sent < bytes; sent += PIECE.length) await client.sendAll(PIECE)
parentPort?.postMessage(await client.ask('.'))
client[Symbol.dispose]()

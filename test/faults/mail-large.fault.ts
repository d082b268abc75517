/** Mails of 45 MB that come in at the same time cost no memory that grows with them, and hold up nobody. With MAILS=10 only (docs/faults.md). */
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { MailScene } from './mail-scene.ts'

const MIB = 1024 * 1024
const MAILS = Number(process.env['MAILS'] ?? 0)
/** Two attachments, so that neither is too large. */
const PART_BYTES = 22 * MIB
const GROWTH_BYTES_MAX = 150 * MIB
/** From connecting to the reply to a command. */
const OTHERS_MS_MAX = 1_000

const CHUNK = Buffer.alloc(MIB, `${'QUJD'.repeat(19)}\r\n`)
const HEADER = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n'
const PART = '--B\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n'

test.skipIf(MAILS === 0)(
  `${String(MAILS)} mails of 45 MB at once: memory stays as it is, others are served`,
  { timeout: 60_000 + MAILS * 10_000 },
  async () => {
    await using scene = await MailScene.set({ people: ['bob'], settings: {} })
    const before = await bytesOf(scene, 'VmRSS')
    const sending = new AbortController()
    const others = waits(scene, sending.signal)
    const replies = await Promise.all(Array.from({ length: MAILS }, () => sendLarge(scene)))
    sending.abort()
    const [growth, wait] = [(await bytesOf(scene, 'VmHWM')) - before, await others]
    process.stdout.write(`grown by ${String(Math.round(growth / MIB))} MiB, others ${String(wait)} ms\n`)
    expect(replies.filter((reply) => !reply.startsWith('250'))).toEqual([])
    expect(growth).toBeLessThan(GROWTH_BYTES_MAX)
    expect(wait).toBeLessThan(OTHERS_MS_MAX)
  },
)

async function bytesOf({ relay }: MailScene, field: string): Promise<number> {
  const status = await readFile(`/proc/${String(relay.pid)}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
}

async function greeted({ relay }: MailScene): Promise<SmtpClient> {
  const client = await SmtpClient.connect(relay.ports.mx)
  for (const line of [undefined, 'EHLO client.example']) await client.ask(line)
  return client
}

async function sendLarge(scene: MailScene): Promise<string> {
  using client = await greeted(scene)
  for (const line of ['MAIL FROM:<a@elsewhere.example>', 'RCPT TO:<bob@localhost>', 'DATA'])
    await client.ask(line)
  client.send(`From: a@elsewhere.example\r\n${HEADER}`)
  for (let part = 0; part < 2; part++) {
    client.send(PART)
    for (let sent = 0; sent < PART_BYTES; sent += CHUNK.length) await client.sendAll(CHUNK)
    client.send('\r\n')
  }
  let reply = await client.ask('--B--\r\n.')
  while (!/^\d/.test(reply) && !client.closed) reply = await client.ask()
  return reply
}

/** The middle one of the waits of others, in milliseconds. */
async function waits(scene: MailScene, signal: AbortSignal): Promise<number> {
  const all: number[] = []
  while (!signal.aborted) {
    const began = performance.now()
    using client = await greeted(scene)
    await client.ask('NOOP')
    all.push(performance.now() - began)
    await pause(50)
  }
  return Math.round(all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Infinity)
}

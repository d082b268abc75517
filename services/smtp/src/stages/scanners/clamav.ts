/** ClamAV's clamd over `INSTREAM`: the mail in chunks, each behind its length; one line back. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Clock } from '@sealpost/runtime'
import type { Content } from '../../content.ts'
import { ScannerError, wholeMail } from './scanner.ts'

/** A host and port, or a Unix socket. */
export type ClamdPlace = { readonly host: string; readonly port: number } | { readonly path: string }

/** A whole scan; clamd itself gives up after two minutes. */
const SCAN_MS_MAX = 120_000
const ANSWER_BYTES_MAX = 4_096
const END = Buffer.alloc(4)

/** Whether clamd knows something bad in it. Throws ScannerError. */
export async function scanWithClamav(content: Content, place: ClamdPlace, clock: Clock): Promise<boolean> {
  const socket = connect(place)
  let timedOut = false
  const limit = clock.after(SCAN_MS_MAX, () => {
    timedOut = true
    socket.destroy()
  })
  try {
    const answer = readAnswer(socket)
    answer.catch(() => undefined)
    await once(socket, 'connect')
    await sendAll(socket, content)
    return understand(await answer)
  } catch (cause) {
    if (cause instanceof ScannerError) throw cause
    throw new ScannerError(timedOut ? 'SCANNER_TIMEOUT' : 'SCANNER_UNREACHABLE', { cause })
  } finally {
    limit[Symbol.dispose]()
    socket.destroy()
  }
}

async function sendAll(socket: Socket, content: Content): Promise<void> {
  socket.write('zINSTREAM\0')
  for await (const chunk of wholeMail(content)) {
    if (chunk.length === 0) continue
    const length = Buffer.alloc(4)
    length.writeUInt32BE(chunk.length)
    socket.write(length)
    if (!socket.write(chunk)) await drained(socket)
    // clamd has answered before the end: the stream is longer than it takes.
    if (socket.destroyed || socket.readableEnded) return
  }
  socket.write(END)
}

async function drained(socket: Socket): Promise<void> {
  if (socket.destroyed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.once('drain', resolve).once('close', resolve).once('end', resolve)
  await promise
  socket.off('drain', resolve).off('close', resolve).off('end', resolve)
}

async function readAnswer(socket: Socket): Promise<string> {
  let answer = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    answer += chunk.toString('latin1')
    if (answer.includes('\0') || answer.length > ANSWER_BYTES_MAX) break
  }
  return answer
}

function understand(answer: string): boolean {
  if (answer.startsWith('stream: OK\0')) return false
  if (/^stream: .+ FOUND\0/.test(answer)) return true
  throw new ScannerError('SCANNER_ANSWER')
}

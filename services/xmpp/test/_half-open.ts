/**
 * A process that holds connections and says nothing: `node _half-open.ts PORT COUNT tcp|tls`. Prints `open N` once they
 * stand, and `closed` when the last one was closed by the other side; so the memory of the relay is measured alone.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

const [port = 0, count = 0] = process.argv.slice(2, 4).map(Number)
const secure = process.argv[4] === 'tls'
/** Handshakes at a time. */
const CONCURRENCY = 100

let opened = 0
let left = count

function next(): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = secure
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connectTcp(port, '127.0.0.1')
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      opened++
      resolve()
    })
    socket.on('error', () => undefined)
    socket.once('close', () => {
      resolve()
      if (--left === 0) process.stdout.write('closed\n')
    })
    socket.resume()
  })
}

let started = 0
async function worker(): Promise<void> {
  while (started < count) {
    started++
    await next()
  }
}
await Promise.all(Array.from({ length: CONCURRENCY }, worker))
process.stdout.write(`open ${opened}\n`)

/** A line to the run's Postgres that can be cut or go silent. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'

export interface Proxy extends AsyncDisposable {
  /** `url` with the proxy in place of the server. */
  readonly url: string
  /** Breaks all connections and refuses new ones until `restore`. */
  cut(): void
  /** Keeps all connections open and lets nothing through until `restore`; bytes meanwhile wait. */
  silence(): void
  restore(): void
}

/** Stands between a client and the server of `url`, which may name a socket directory in its `host` parameter. */
export async function startProxy(url: string): Promise<Proxy> {
  const target = new URL(url)
  const directory = target.searchParams.get('host')
  const { hostname, port } = target
  const upstreamTo = (): Socket =>
    directory === null ? connect(Number(port), hostname) : connect(join(directory, `.s.PGSQL.${port}`))
  const sockets = new Set<Socket>()
  let refusing = false
  let silent = false
  const add = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  }
  const server = createServer((down) => {
    add(down)
    if (refusing) {
      down.destroy()
      return
    }
    const up = upstreamTo()
    add(up)
    for (const [from, to] of [
      [down, up],
      [up, down],
    ] as const) {
      from.on('data', (chunk) => void to.write(chunk))
      from.once('close', () => to.destroy())
      if (silent) from.pause()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  target.searchParams.delete('host')
  target.host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`
  const cut = (): void => {
    refusing = true
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: target.href,
    cut,
    silence: () => {
      silent = true
      for (const socket of sockets) socket.pause()
    },
    restore: () => {
      refusing = false
      silent = false
      for (const socket of sockets) socket.resume()
    },
    [Symbol.asyncDispose]: async () => {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

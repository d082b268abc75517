/** Ports for processes that cannot tell which ones they took. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'

/** Below those that Linux gives to outgoing connections (`ip_local_port_range`), of which any might take one meanwhile. */
const FIRST = 10_000
const LAST = 32_767

/** Different free ports of the loopback address. They are free now; nothing keeps them so. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listenSomewhere()))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(
    servers.map(async (server) => {
      server.close()
      await once(server, 'close')
    }),
  )
  return ports
}

async function listenSomewhere(): Promise<Server> {
  for (;;) {
    const server = createServer().listen(randomInt(FIRST, LAST + 1), '127.0.0.1')
    try {
      await once(server, 'listening')
      return server
    } catch {
      // it is taken
    }
  }
}

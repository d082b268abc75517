/** Leads port 443 of the loopback to a socket of the file system: bin of own-network.ts. */
import { connect, createServer } from 'node:net'

const [path = ''] = process.argv.slice(2)
const server = createServer((client) => {
  const target = connect(path)
  for (const socket of [client, target]) socket.on('error', () => undefined)
  client.pipe(target).pipe(client)
})
server.listen(443, '127.0.0.1', () => process.stdout.write('ready\n'))

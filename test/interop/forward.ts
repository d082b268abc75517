/** Leads port 443 of an address, the loopback unless told, to a socket of the file system, out of a network of its own. */
import { connect, createServer } from 'node:net'

const [path = '', address = '127.0.0.1'] = process.argv.slice(2)
const server = createServer((client) => {
  const target = connect(path)
  for (const socket of [client, target]) socket.on('error', () => undefined)
  client.pipe(target).pipe(client)
})
server.listen(443, address, () => process.stdout.write('ready\n'))

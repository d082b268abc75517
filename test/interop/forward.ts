/** Leads a port of an address, 443 of the loopback unless told, to a socket of the file system, out of a network of its own. */
import { connect, createServer } from 'node:net'

const [path = '', address = '127.0.0.1', port = '443'] = process.argv.slice(2)
const server = createServer((client) => {
  const target = connect(path)
  for (const socket of [client, target]) socket.on('error', () => undefined)
  client.pipe(target).pipe(client)
})
server.listen(Number(port), address, () => process.stdout.write('ready\n'))

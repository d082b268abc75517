/**
 * What files are measured against besides nginx: the most that Node can do, which takes PUT into a file and sends files over TLS, and does nothing else. It seals nothing and waits for no disk.
 * `node bench/bare/files.ts DIRECTORY CERTIFICATE KEY`; says its port.
 */
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const PIECE_BYTES = 256 * 1024

const [directory = '', certificate = '', key = ''] = process.argv.slice(2)
const server = createServer(
  { cert: readFileSync(certificate), key: readFileSync(key), highWaterMark: PIECE_BYTES },
  (request, response) => {
    const file = join(directory, /\d+$/.exec(request.url ?? '')?.[0] ?? 'none')
    const work =
      request.method === 'PUT'
        ? pipeline(request, createWriteStream(file, { highWaterMark: PIECE_BYTES })).then(() =>
            response.writeHead(201).end(),
          )
        : pipeline(createReadStream(file, { highWaterMark: PIECE_BYTES }), response)
    work.catch(() => response.destroy())
  },
)
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${String((server.address() as AddressInfo).port)}\n`)
})

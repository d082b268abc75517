/**
 * The load of the benchmark `files`: a process of its own, started by bench/files.ts on its own core. Every connection is kept alive, over TLS; each puts its share of the
 * files, then fetches files at random until the time is over. Of what comes it counts the bytes.
 */
import { randomFillSync } from 'node:crypto'
import { Agent, request, type RequestOptions } from 'node:https'
import { Meter, type Cost, type ServerPlace } from './cost.ts'
import { receiveOrders, sendReport } from './orders.ts'

/** Where one file goes, and where it is fetched. */
export interface FilePlace {
  readonly path: string
  readonly authorization: string | undefined
}

export interface FilesOrders extends ServerPlace {
  readonly files: readonly FilePlace[]
  readonly bytes: number
  readonly connections: number
  /** Of the downloads. */
  readonly seconds: number
}

export interface FilesReport {
  readonly uploadedBytes: number
  readonly upload: Cost
  readonly downloadedBytes: number
  readonly download: Cost
}

const orders = (await receiveOrders()) as FilesOrders
const agent = new Agent({ keepAlive: true, maxSockets: orders.connections, rejectUnauthorized: false })
const body = randomFillSync(Buffer.alloc(orders.bytes))

function ask(options: RequestOptions, sent?: Buffer): Promise<{ status: number; bytes: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; bytes: number }>()
  const asked = request({ host: '127.0.0.1', port: orders.port, agent, ...options }, (response) => {
    let bytes = 0
    response.on('data', (chunk: Buffer) => (bytes += chunk.length))
    response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes }))
    response.on('error', reject)
  })
  asked.on('error', reject).end(sent)
  return promise
}

async function put({ path, authorization }: FilePlace, localAddress: string): Promise<void> {
  const headers = { 'content-length': body.length, ...(authorization === undefined ? {} : { authorization }) }
  const { status } = await ask({ path, method: 'PUT', headers, localAddress }, body)
  if (status !== 201 && status !== 204) throw new Error(`a file was answered with ${String(status)}`)
}

async function fetchFile({ path }: FilePlace, localAddress: string): Promise<number> {
  const { status, bytes } = await ask({ path, localAddress })
  if (status !== 200 || bytes !== orders.bytes) throw new Error(`a fetch was answered with ${String(status)}`)
  return bytes
}

/** As many at a time as there are connections, each from an address of its own: the server bounds what one client may ask in a minute. */
async function inParallel(work: (localAddress: string) => Promise<boolean>): Promise<void> {
  const worker = async (index: number): Promise<void> => {
    while (await work(`127.0.1.${String(index + 1)}`));
  }
  await Promise.all(Array.from({ length: orders.connections }, (_, index) => worker(index)))
}

const { files } = orders
let next = 0
const uploading = new Meter(orders)
await inParallel(async (localAddress) => {
  const file = files[next++]
  if (file === undefined) return false
  await put(file, localAddress)
  return true
})
uploading.lap()
const upload = uploading.read()

let downloadedBytes = 0
const downloading = new Meter(orders)
const until = performance.now() + orders.seconds * 1_000
await inParallel(async (localAddress) => {
  const file = files[Math.floor(Math.random() * files.length)]
  if (file === undefined || performance.now() > until) return false
  downloadedBytes += await fetchFile(file, localAddress)
  return true
})
downloading.lap()
const report: FilesReport = {
  uploadedBytes: files.length * orders.bytes,
  upload,
  downloadedBytes,
  download: downloading.read(),
}
sendReport(report)

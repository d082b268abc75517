/** Stands for the mailbox server's doveadm over HTTP: answers as Dovecot 2.3 was seen to. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Secret } from '@sealpost/config'
import { expect } from 'vitest'
import type { DoveadmPlace } from '../src/mailbox/doveadm.ts'

const KEY = 'a-c4n4ry-key'

export interface DoveadmParameters {
  readonly user?: string
  readonly mask?: readonly string[]
  readonly query?: readonly string[]
  readonly mailbox?: readonly string[]
}

export class DoveadmServer implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then((body) => response.writeHead(this.status).end(body))
  })
  /** Commands as they came: name, user, and the rest. */
  asked: string[] = []
  status = 200
  /** Rows, or the code that the command ends with. */
  reply: (name: string, parameters: DoveadmParameters) => readonly object[] | number = () => []

  static async start(): Promise<DoveadmServer> {
    const server = new DoveadmServer()
    await once(server.#server.listen(0, '127.0.0.1'), 'listening')
    return server
  }

  get place(): DoveadmPlace {
    const { port } = this.#server.address() as AddressInfo
    return { url: new URL(`http://127.0.0.1:${String(port)}`), key: Secret.of(KEY) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  async #answer(request: IncomingMessage): Promise<string> {
    expect([request.method, request.url]).toEqual(['POST', '/doveadm/v1'])
    expect(request.headers.authorization).toBe(`X-Dovecot-API ${Buffer.from(KEY).toString('base64')}`)
    const [[name, parameters, tag]] = JSON.parse(await text(request)) as [[string, DoveadmParameters, string]]
    const { user, mask = [], query = [], mailbox = [] } = parameters
    this.asked.push([name, ...(user === undefined ? [] : [user]), ...mask, ...query, ...mailbox].join(' '))
    const reply = this.reply(name, parameters)
    if (typeof reply === 'number')
      return JSON.stringify([['error', { type: 'exitCode', exitCode: reply }, tag]])
    const [first, ...others] = reply
    return JSON.stringify([['doveadmResponse', first === undefined ? [] : [first], ...others, tag]])
  }
}

/** Certificates from another directory: for whoever runs this one, as operator.ts says. The body is certificates, each behind its length in four octets. */
import { HttpProblem } from '@sealpost/http'
import type { FastifyPluginAsync } from '@sealpost/http'
import { normalizeAddress } from '@sealpost/openpgp'
import type { PortSecret } from '@sealpost/ports'
import type { Directory } from '../directory/directory.ts'
import type { KeysEvents } from '../events.ts'
import { forOperator } from './operator.ts'
import { tellWhenAway } from './problems.ts'

export interface ImportOptions {
  readonly directory: Directory
  readonly events: KeysEvents
  /** Undefined: by the control socket alone. */
  readonly secret: PortSecret | undefined
}

const BODY_BYTES_MAX = 2 * 1024 * 1024
const CERTIFICATES_MAX = 64
const LENGTH_BYTES = 4

export const importRoute: FastifyPluginAsync<ImportOptions> = async (app, { directory, events, secret }) => {
  tellWhenAway(app)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    (_request, body, done) => done(null, body),
  )
  app.post<{ Body: Buffer | undefined; Querystring: { publish?: unknown } }>(
    '/internal/keys/import',
    {
      schema: { hide: true },
      bodyLimit: BODY_BYTES_MAX,
      config: { rateLimit: false },
      onRequest: forOperator(secret),
    },
    async ({ body, query }) => {
      const publish = readPublish(typeof query.publish === 'string' ? query.publish : '')
      const imported = await directory.importAll(readFrames(body ?? Buffer.alloc(0)), publish)
      for (const outcome of ['inserted', 'updated', 'unchanged', 'ignored'] as const)
        for (let count = 0; count < imported[outcome]; count += 1) events.submitted(outcome)
      return imported
    },
  )
  await Promise.resolve()
}

function readFrames(body: Buffer): Buffer[] {
  const frames: Buffer[] = []
  let offset = 0
  while (offset < body.length) {
    const start = offset + LENGTH_BYTES
    const end = start > body.length ? Infinity : start + body.readUInt32BE(offset)
    if (end > body.length || frames.length === CERTIFICATES_MAX)
      throw new HttpProblem(400, 'frames-malformed', 'The certificates are not framed as they should be')
    frames.push(body.subarray(start, end))
    offset = end
  }
  return frames
}

/** `@DOMAIN` for all addresses of a domain, `NUMBER:ADDRESS` for one of the certificate of that number, from 0, separated by commas. */
function readPublish(text: string): (address: string, index: number) => boolean {
  const wanted = new Set<string>()
  for (const item of text.split(',').filter(Boolean)) {
    const [, index, address = ''] = /^(\d+):(.+)$/.exec(item) ?? []
    wanted.add(index === undefined ? item.toLowerCase() : `${index}:${normalizeAddress(address) ?? ''}`)
  }
  return (address, index) =>
    wanted.has(address.slice(address.lastIndexOf('@'))) || wanted.has(`${String(index)}:${address}`)
}

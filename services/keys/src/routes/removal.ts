/** Taking a certificate off, also against its owner's wish, and letting one come again: for whoever runs this directory, as operator.ts says. The body is its fingerprint. */
import { HttpProblem } from '@sealpost/http'
import type { FastifyPluginAsync } from '@sealpost/http'
import type { PortSecret } from '@sealpost/ports'
import type { Directory } from '../directory/directory.ts'
import { forOperator } from './operator.ts'
import { tellWhenAway } from './problems.ts'

export interface RemovalOptions {
  readonly directory: Directory
  /** Undefined: by the control socket alone. */
  readonly secret: PortSecret | undefined
}

const FINGERPRINT = /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/
const BODY_BYTES_MAX = 128

export const removalRoutes: FastifyPluginAsync<RemovalOptions> = async (app, { directory, secret }) => {
  tellWhenAway(app)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'string', bodyLimit: BODY_BYTES_MAX },
    (_request, body, done) => done(null, body),
  )
  const options = {
    schema: { hide: true },
    bodyLimit: BODY_BYTES_MAX,
    config: { rateLimit: false },
    onRequest: forOperator(secret),
  } as const
  app.post('/internal/keys/remove', options, async ({ body }) => ({
    removed: await directory.ban(fingerprintIn(body)),
  }))
  app.post('/internal/keys/readmit', options, async ({ body }) => {
    await directory.readmit(fingerprintIn(body))
    return { readmitted: true }
  })
  await Promise.resolve()
}

function fingerprintIn(body: unknown): string {
  const fingerprint = typeof body === 'string' ? body.replaceAll(' ', '').toUpperCase() : ''
  if (FINGERPRINT.test(fingerprint)) return fingerprint
  throw new HttpProblem(400, 'no-fingerprint', 'A fingerprint has 40 hexadecimal digits, or 64')
}

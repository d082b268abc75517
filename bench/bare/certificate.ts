/** What lookups of certificates are measured against besides nginx: a bare Fastify route with one Postgres read, and nothing of ours. `node bench/bare/certificate.ts URL`; says its port. */
import Fastify from 'fastify'
import { Pool } from 'pg'
import { DOMAIN } from '../load/synthetic-certificates.ts'
import { readZBase32 } from '../../services/keys/src/directory/z-base-32.ts'

const pool = new Pool({ connectionString: process.argv[2], max: 8 })
const app = Fastify({ logger: false })

async function read(name: string, from: string, value: Buffer | undefined): Promise<Buffer | undefined> {
  const statement = { name, text: `select served from ${from} = $1`, values: [value] }
  return (await pool.query<{ served: Buffer }>(statement)).rows[0]?.served
}

// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- of Express, which this is not
app.get('/pks/v2/certs/by-vfingerprint/04/:fingerprint', async (request, reply) => {
  const { fingerprint } = request.params as { fingerprint: string }
  void reply.type('application/pgp-keys')
  return read('fingerprint', 'keys.certificate where fingerprint', Buffer.from(fingerprint, 'hex'))
})
// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- as above
app.get(`/.well-known/openpgpkey/${DOMAIN}/hu/:hash`, async (request, reply) => {
  const { hash } = request.params as { hash: string }
  void reply.type('application/octet-stream')
  return read('address', `keys.published_address where domain = '${DOMAIN}' and wkd_hash`, readZBase32(hash))
})
process.stdout.write(`${new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port}\n`)

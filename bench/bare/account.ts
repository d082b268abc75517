/** What the API is measured against: a bare Fastify route with one Postgres read, and nothing of ours. `node bench/bare/account.ts URL`; says its port. */
import Fastify from 'fastify'
import { Pool } from 'pg'

const pool = new Pool({ connectionString: process.argv[2], max: 8 })
const app = Fastify({ logger: false })
// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- of Express, which this is not
app.get('/account/:name', async (request) => {
  const { name } = request.params as { name: string }
  const statement = {
    name: 'one',
    text: `select id, domain, localpart, state, created_on from account.account where domain = 'localhost' and localpart = $1`,
  }
  return (await pool.query({ ...statement, values: [name] })).rows[0] as object
})
process.stdout.write(`${new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port}\n`)

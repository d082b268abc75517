import { inject, expect, test } from 'vitest'
import pg from 'pg'
import { createTestDatabase } from '../../../../test/database.ts'

test('createTestDatabase gives an empty Postgres 18 and drops it', async () => {
  const client = new pg.Client({ connectionString: inject('databaseUrl') })
  await client.connect()
  let name = ''
  {
    await using database = await createTestDatabase()
    name = new URL(database.url).pathname.slice(1)
    const inside = new pg.Client({ connectionString: database.url })
    await inside.connect()
    inside.on('error', () => undefined)
    expect((await inside.query('show server_version_num')).rows).toEqual([
      { server_version_num: expect.stringMatching(/^18/) },
    ])
  }
  expect((await client.query('select 1 from pg_database where datname = $1', [name])).rows).toEqual([])
  await client.end()
})

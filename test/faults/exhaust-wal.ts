import { Client } from 'pg'

/** Postgres wants a new segment of WAL, finds no space for it, and crashes. */
export async function exhaustWal({ url }: { readonly url: string }): Promise<void> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    for (let segments = 0; segments < 20; segments++)
      await client.query('select txid_current(), pg_switch_wal()')
  } catch {
    return // it has crashed
  } finally {
    await client.end()
  }
  throw new Error('there is space for WAL')
}

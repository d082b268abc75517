/** SQL on a database as whoever its URL says, for looks from outside. */
import { Client } from 'pg'

/** One statement, on a connection of its own. */
export async function query<Row extends object>(
  url: string,
  statement: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(statement, [...values])).rows
  } finally {
    await client.end()
  }
}

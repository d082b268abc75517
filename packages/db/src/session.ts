import { Client } from 'pg'
import { patientClientConfig } from './connection.ts'
import { statements, wrapped, type Tx } from './open-db.ts'

/** One connection of its own, for statements that belong to one session and may take long. It does not come back by itself. */
export async function openSession(url: string): Promise<Tx & AsyncDisposable> {
  const client = new Client(patientClientConfig(url))
  client.on('error', () => undefined) // A connection that breaks tells the next statement.
  await wrapped(() => client.connect())
  return {
    ...statements((query) => wrapped(() => client.query<Record<string, unknown>>(query))),
    [Symbol.asyncDispose]: () => client.end().catch(() => undefined),
  }
}

import { openSession, sql } from '@sealpost/db'

/** The role to take on for something. A login for backups alone may do it by itself, and takes on nobody's rights. */
export async function roleFor(url: string, role: string): Promise<{ readonly role?: string }> {
  await using session = await openSession(url)
  const [row] = await session.query<{ may: boolean }>(sql`select pg_has_role(${role}, 'member') as may`)
  return row?.may === true ? { role } : {}
}

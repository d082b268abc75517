import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureLogin, type Login } from '@sealpost/db'

const SERVICE_CONNECTIONS_MAX = 100
const MAILBOX_CONNECTIONS_MAX = 20
const BACKUP_CONNECTIONS_MAX = 10

/** Processes that have a login of their own each, and what of the database each may touch (docs/decisions/0046-compose.md). */
export const LOGINS: Readonly<Record<string, Omit<Login, 'password'>>> = {
  xmpp: service('xmpp', ['account', 'xmpp']),
  keys: service('keys', ['account', 'keys']),
  smtp: service('smtp', ['account', 'smtp']),
  api: service('api', ['account', 'api']),
  backup: {
    name: 'sealpost_backup',
    adds: ['audit.entry'],
    reads: ['xmpp.sealed'],
    replicates: true,
    connectionsMax: BACKUP_CONNECTIONS_MAX,
  },
  dovecot: {
    name: 'sealpost_dovecot',
    reads: ['account.mail_sign_in', 'account.mail_login', 'account.mail_user'],
    connectionsMax: MAILBOX_CONNECTIONS_MAX,
  },
}

function service(name: string, owners: readonly string[]): Omit<Login, 'password'> {
  const roles = owners.map((owner) => `sealpost_${owner}`)
  return { name: `sealpost_${name}_login`, roles, connectionsMax: SERVICE_CONNECTIONS_MAX }
}

/** Makes the logins, or only those named, with the passwords of `directory/NAME`, once the schemas are there. */
export async function giveLogins(
  url: string,
  directory: string,
  names: readonly string[] = Object.keys(LOGINS),
): Promise<void> {
  for (const [name, login] of Object.entries(LOGINS)) {
    if (!names.includes(name)) continue
    const password = (await readFile(join(directory, name), 'utf8')).trim()
    await ensureLogin(url, { ...login, password })
  }
}

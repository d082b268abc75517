/** Before the compose stack starts: makes its secrets, each where its one reader finds it, and a certificate to begin with, which that of ACME replaces. */
import { randomBytes } from 'node:crypto'
import { chmod, chown, copyFile, mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeIdentity } from '@sealpost/backup'
import { ensureCertificate } from '@sealpost/dev-env'
import { openSecretFile, systemClock, systemRandom } from '@sealpost/runtime'

const HELP = `Usage: node scripts/prepare-stack.ts --domain NAME --data DIR --secrets DIR --certificates DIR [--postgres HOST:PORT] [--own DIR]…

What the compose stack runs first, as root. Running it again changes nothing that is there.

  --data          gets an authority of its own, as at npm start
  --secrets       DIR/own keeps each secret; DIR/READER gets those that this reader needs, readable by it alone
  --certificates  where Caddy keeps those of its authority: unless there is one, NAME and turn.NAME get one of that authority
  --postgres      postgres:5432 unless told
  --own           directories that our services write to: they become theirs
  --user          the number of their user, 10001 unless told
  --help          this text
`

const SECRET_BYTES = 32
const NAMES = [
  'postgres',
  'xmpp',
  'keys',
  'smtp',
  'api',
  'dovecot',
  'turn',
  'doveadm',
  'nats',
  'grafana',
  'backup',
  'canary',
  'drill',
  'restic',
] as const
type Secrets = Readonly<Record<(typeof NAMES)[number], string>>

/** Users of the images of others. */
const POSTGRES_USER = 999
const GRAFANA_USER = 472
const ROOT = 0

interface Reader {
  readonly name: string
  readonly user: number
  readonly files: Readonly<Record<string, string>>
}

function readersOf(secrets: Secrets, ours: number, postgres: string): readonly Reader[] {
  const database = (user: string, password: string): string =>
    `postgres://${user}:${password}@${postgres}/sealpost`
  const service = (name: 'xmpp' | 'keys' | 'smtp' | 'api', more: Reader['files'] = {}): Reader => {
    const url = database(`sealpost_${name}_login`, secrets[name])
    return { name, user: ours, files: { 'database-url': url, 'nats-token': secrets.nats, ...more } }
  }
  const { xmpp, keys, smtp, api, dovecot, backup } = secrets
  return [
    { name: 'postgres', user: POSTGRES_USER, files: { password: secrets.postgres } },
    {
      name: 'migrate',
      user: ours,
      files: {
        'database-url': database('postgres', secrets.postgres),
        xmpp,
        keys,
        smtp,
        api,
        dovecot,
        backup,
        identity: secrets.drill,
      },
    },
    service('xmpp', { turn: secrets.turn }),
    service('keys'),
    service('smtp', { doveadm: secrets.doveadm }),
    service('api', { turn: secrets.turn }),
    {
      name: 'backup',
      user: ours,
      files: {
        'database-url': database('sealpost_backup', backup),
        'nats-token': secrets.nats,
        identity: secrets.drill,
        canary: secrets.canary,
        restic: secrets.restic,
      },
    },
    { name: 'coturn', user: ours, files: { turn: secrets.turn } },
    { name: 'dovecot', user: ROOT, files: { database: dovecot, doveadm: secrets.doveadm } },
    { name: 'nats', user: ours, files: { 'token.conf': `authorization { token: "${secrets.nats}" }` } },
    { name: 'grafana', user: GRAFANA_USER, files: { password: secrets.grafana } },
  ]
}

/** The secrets themselves. Whoever wants another one removes its file, and starts the stack again. */
async function openSecrets(directory: string): Promise<Secrets> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const makeSecret = (): string => randomBytes(SECRET_BYTES).toString('hex')
  const makeKey = (): string => makeIdentity().identity
  const opened = NAMES.map(async (name) => [
    name,
    await openSecretFile(join(directory, name), systemRandom, name === 'drill' ? makeKey : makeSecret),
  ])
  return Object.fromEntries(await Promise.all(opened)) as Secrets
}

async function giveTo(directory: string, { user, files }: Reader): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    const draft = join(directory, `.${name}`)
    await writeFile(draft, `${text}\n`, { mode: 0o400 })
    await chown(draft, user, user)
    await rename(draft, join(directory, name))
  }
  await chown(directory, user, user)
  await chmod(directory, 0o500)
}

interface Edge {
  readonly domain: string
  /** Of the authority of its own. */
  readonly tls: string
  readonly certificates: string
  readonly user: number
}

/** As Caddy would name the files: it replaces what it has not asked for itself. */
async function giveCertificate({ domain, tls, certificates, user }: Edge): Promise<void> {
  await ensureCertificate({ directory: tls, domains: [domain], clock: systemClock, random: systemRandom })
  for (const made of await readdir(tls)) await chown(join(tls, made), user, user)
  await mkdir(certificates, { recursive: true, mode: 0o700 })
  for (const name of [domain, `turn.${domain}`]) {
    const place = join(certificates, name)
    if (existsSync(join(place, `${name}.crt`))) continue
    await mkdir(place, { recursive: true, mode: 0o700 })
    for (const [from, to] of [
      ['key.pem', 'key'],
      ['cert.pem', 'crt'],
    ] as const) {
      await copyFile(join(tls, from), join(place, `${name}.${to}`))
      await chown(join(place, `${name}.${to}`), user, user)
    }
    await chown(place, user, user)
  }
  for (const made of [tls, certificates, join(certificates, '..')]) await chown(made, user, user)
}

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' } as const
  let given
  try {
    given = parseArgs({
      args,
      options: {
        domain: text,
        data: text,
        secrets: text,
        certificates: text,
        postgres: { ...text, default: 'postgres:5432' },
        own: { ...text, multiple: true, default: [] },
        user: { ...text, default: '10001' },
        help: { type: 'boolean' },
      },
    }).values
  } catch {
    process.stderr.write(HELP)
    return 2
  }
  const { domain, data, secrets: directory, certificates, postgres, own, user, help } = given
  if (help === true) process.stdout.write(HELP)
  if (help === true) return 0
  if (domain === undefined || data === undefined || directory === undefined || certificates === undefined) {
    process.stderr.write(HELP)
    return 2
  }
  const ours = Number(user)
  const secrets = await openSecrets(join(directory, 'own'))
  for (const reader of readersOf(secrets, ours, postgres)) await giveTo(join(directory, reader.name), reader)
  await giveCertificate({ domain, tls: join(data, 'tls'), certificates, user: ours })
  for (const each of [data, ...own]) await chown(each, ours, ours)
  return 0
}

process.exitCode = await main(process.argv.slice(2))

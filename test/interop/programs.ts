/** The programs that the interop tests talk with: names those that are missing, and then does not start. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EXIM } from './exim.ts'
import { shareCompiled } from '../compile-cache.ts'

interface Program {
  readonly command: string
  readonly debianPackage: string
  /** The first version that can do what the tests need, by major and minor number; `--version` says `NAME MAJOR.MINOR…`. */
  readonly since?: { readonly version: readonly [number, number]; readonly suite: string }
}

const CORE: readonly Program[] = [
  {
    command: 'go-sendxmpp',
    debianPackage: 'go-sendxmpp',
    since: { version: [0, 7], suite: 'bookworm-backports' }, // the first with SCRAM
  },
  { command: 'gpg', debianPackage: 'gnupg' },
  { command: 'dirmngr', debianPackage: 'dirmngr' },
  { command: 'msmtp', debianPackage: 'msmtp' },
  { command: 'postfix', debianPackage: 'postfix' },
  { command: 'profanity', debianPackage: 'profanity' },
  { command: 'swaks', debianPackage: 'swaks' },
  { command: 'tmux', debianPackage: 'tmux' },
]

const PEERS: readonly Program[] = [
  ...CORE,
  { command: 'curl', debianPackage: 'curl' },
  { command: 'docker-compose', debianPackage: 'docker-compose' },
  { command: 'dovecot', debianPackage: 'dovecot-imapd dovecot-lmtpd dovecot-pgsql dovecot-pop3d' },
  { command: EXIM, debianPackage: 'exim4-daemon-light (unpacked beside Postfix)' },
  { command: 'caddy', debianPackage: 'caddy' },
  { command: 'clamd', debianPackage: 'clamav-daemon' },
  { command: 'gpg-wks-client', debianPackage: 'gpg-wks-client' },
  { command: 'faketime', debianPackage: 'faketime' },
  { command: 'Xvfb', debianPackage: 'xvfb' },
  { command: 'chromium', debianPackage: 'chromium' },
  { command: 'dbus-daemon', debianPackage: 'dbus-daemon' },
  { command: 'dino-im', debianPackage: 'dino-im' },
  { command: 'ejabberdctl', debianPackage: 'ejabberd' },
  { command: 'gajim', debianPackage: 'gajim gajim-omemo' },
  { command: 'gdbus', debianPackage: 'libglib2.0-bin' },
  { command: 'ip', debianPackage: 'iproute2' },
  { command: 'ldns-signzone', debianPackage: 'ldnsutils' },
  { command: 'mbsync', debianPackage: 'isync libsasl2-modules' },
  { command: 'mcabber', debianPackage: 'mcabber' },
  { command: 'memcached', debianPackage: 'memcached python3-swift' },
  { command: 'mpop', debianPackage: 'mpop' },
  { command: 'nats-server', debianPackage: 'nats-server' },
  { command: 'opendkim', debianPackage: 'opendkim' },
  { command: 'poezio', debianPackage: 'poezio' },
  { command: 'postgrey', debianPackage: 'postgrey libmail-deliverystatus-bounceparser-perl' },
  { command: 'amtool', debianPackage: 'prometheus-alertmanager' },
  { command: 'prometheus', debianPackage: 'prometheus' },
  { command: 'prosody-migrator', debianPackage: 'prosody' },
  { command: 'restic', debianPackage: 'restic' },
  { command: 'rspamd', debianPackage: 'rspamd' },
  { command: 'sq', debianPackage: 'sq' },
  { command: 'sshd', debianPackage: 'openssh-server' },
  { command: 'turnserver', debianPackage: 'coturn' },
  { command: 'unbound', debianPackage: 'unbound' },
  { command: 'wget', debianPackage: 'wget' },
]

/** Where Debian 12 has GnuPG's smaller programs. */
const PATH = 'PATH="$PATH:/usr/lib/gnupg"'

async function run(command: string, args: readonly string[]): Promise<string | undefined> {
  return promisify(execFile)(command, args).then(
    ({ stdout }) => stdout,
    () => undefined,
  )
}

/** What is missing, as a person reads it; undefined when all is well. */
async function findProblem({ command, debianPackage, since }: Program): Promise<string | undefined> {
  const present = (await run('sh', ['-c', `${PATH}; command -v ${command}`])) !== undefined
  if (since === undefined) return present ? undefined : debianPackage
  const [, major = 0, minor = 0] = /\s(\d+)\.(\d+)/.exec((await run(command, ['--version'])) ?? '') ?? []
  const [majorMin, minorMin] = since.version
  if (Number(major) > majorMin || (Number(major) === majorMin && Number(minor) >= minorMin)) return undefined
  const found = present ? `here is ${major}.${minor}` : 'here is none'
  return `${debianPackage} ${since.version.join('.')} or newer (Debian 13, or ${since.suite} on Debian 12; ${found})`
}

async function need(programs: readonly Program[], argument: string): Promise<void> {
  shareCompiled()
  const problems = (await Promise.all(programs.map(findProblem))).filter((problem) => problem !== undefined)
  if (problems.length > 0)
    throw new Error(
      `missing Debian packages: ${problems.join(', ')}. test/interop/install.sh ${argument} installs them on Debian`,
    )
}

export const needCore = (): Promise<void> => need(CORE, 'core')
export const needPeers = (): Promise<void> => need(PEERS, 'all')

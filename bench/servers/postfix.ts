/**
 * Debian's Postfix as a mail relay, for the benchmark `mail`: an instance of its own in the directory given, with Postfix's own defaults but for where things are, who
 * may relay and how large a mail may be. It syncs each queue file before it answers (it cannot do otherwise), logs to a file, and has neither milter nor TLS. Needs
 * root, as Postfix does.
 */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { MailRelay, MailRelayOptions } from './mail-relay.ts'
import { freePort } from '../../test/interop/free-port.ts'
import { spawnPinned, stop, untilListening } from './server.ts'

const run = promisify(execFile)

/** As Debian's master.cf has them, without its chroot. */
const services = (port: number): string => `
127.0.0.1:${String(port)} inet n - n - - smtpd
postlog   unix-dgram n  -       n       -       1       postlogd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
`

export async function startPostfix({
  directory,
  core,
  sinkPort,
  bytesMax,
}: MailRelayOptions): Promise<MailRelay> {
  const port = await freePort()
  for (const each of ['etc', 'queue', 'data', 'log']) await mkdir(join(directory, each))
  await run('chown', ['postfix', join(directory, 'data')])
  const settings = {
    compatibility_level: '3.6',
    queue_directory: join(directory, 'queue'),
    data_directory: join(directory, 'data'),
    maillog_file: join(directory, 'log', 'mail.log'),
    maillog_file_prefixes: directory,
    myhostname: 'relay.example',
    mydestination: '',
    mynetworks: '127.0.0.0/8',
    inet_protocols: 'ipv4',
    relayhost: `[127.0.0.1]:${String(sinkPort)}`,
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    message_size_limit: String(bytesMax),
  }
  const etc = join(directory, 'etc')
  await writeFile(
    join(etc, 'main.cf'),
    Object.entries(settings)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
  )
  await writeFile(join(etc, 'master.cf'), services(port))
  await run('postfix', ['-c', etc, 'check'])
  const { stdout: daemons } = await run('postconf', ['-c', etc, '-h', 'daemon_directory'])
  // A process group of its own, which it ends with itself.
  const master = spawnPinned(core, join(daemons.trim(), 'master'), ['-c', etc, '-s'], { detached: true })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => stop(master))
  await untilListening(port, master)
  const held = stack.move()
  return {
    name: 'Postfix',
    port,
    roots: [master.pid ?? 0],
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** GnuPG and the key directory over HKP (draft-gallagher-openpgp-hkp): send, receive, search, refresh, and a revocation on its own. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { Sealpost } from './sealpost.ts'

const run = promisify(execFile)

let sealpost: Sealpost
beforeAll(async () => {
  sealpost = await Sealpost.start()
  return () => sealpost[Symbol.asyncDispose]()
})

/** Somebody with a key ring, an agent and a dirmngr of their own. */
class Gpg implements AsyncDisposable {
  readonly home: string

  private constructor(home: string) {
    this.home = home
  }

  static async create(): Promise<Gpg> {
    return new Gpg(await mkdtemp(join(tmpdir(), 'gpg-')))
  }

  /** What it prints; keys in the form for programs. */
  async run(...args: readonly string[]): Promise<string> {
    const quietly = [
      '--homedir',
      this.home,
      '--batch',
      '--yes',
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      '',
    ]
    const keyserver = ['--keyserver', `hkp://127.0.0.1:${String(sealpost.hkpPort)}`]
    const { stdout, stderr } = await run('gpg', [...quietly, ...keyserver, '--with-colons', ...args])
    return stdout + stderr
  }

  /** A key to sign and one to encrypt; its fingerprint. */
  async makeKey(address: string): Promise<string> {
    await this.run('--quick-generate-key', address, 'ed25519', 'sign', '2y')
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(await this.run('--list-keys', address))?.[1] ?? ''
    await this.run('--quick-add-key', fingerprint, 'cv25519', 'encr')
    return fingerprint
  }

  async import(armor: string): Promise<void> {
    const file = join(this.home, 'import.asc')
    await writeFile(file, armor)
    await this.run('--import', file)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('gpgconf', ['--homedir', this.home, '--kill', 'all'])
    await rm(this.home, { recursive: true, force: true })
  }
}

/** GnuPG asks which one, and gives up when it must not: what it found stands before that. */
async function search(gpg: Gpg, fingerprint: string): Promise<string> {
  return gpg
    .run('--search-keys', fingerprint)
    .catch((error: unknown) => String((error as { stdout?: string }).stdout))
}

test('a key that was sent is found, and those who have it learn of a new subkey and of its revocation', async () => {
  await using alice = await Gpg.create()
  await using bob = await Gpg.create()
  const fingerprint = await alice.makeKey('alice@example.org')
  // User ids are not shown before their owner is known, and keys without are new to nobody: bob has the key from alice.
  await bob.import(await alice.run('--armor', '--export', fingerprint))
  await alice.run('--quick-add-key', fingerprint, 'ed25519', 'sign')
  await alice.run('--send-keys', fingerprint)
  expect(await search(bob, fingerprint)).toMatch(new RegExp(`^pub:${fingerprint}:22:256:\\d+:\\d+:`, 'm'))
  await bob.run('--recv-keys', fingerprint)
  expect((await bob.run('--list-keys', fingerprint)).match(/^sub:/gm)).toHaveLength(2)

  const revocation = await readFile(join(alice.home, 'openpgp-revocs.d', `${fingerprint}.rev`), 'utf8')
  const keytext = revocation.replace(/^:(?=-----BEGIN)/m, '')
  const answer = await fetch(`http://127.0.0.1:${String(sealpost.hkpPort)}/pks/add`, {
    method: 'POST',
    body: new URLSearchParams({ keytext }),
  })
  expect([answer.status, await answer.text()]).toEqual([200, `${fingerprint} updated\n`])
  await bob.run('--refresh-keys', fingerprint)
  expect(await bob.run('--list-keys', fingerprint)).toMatch(/^pub:r:/m)
})

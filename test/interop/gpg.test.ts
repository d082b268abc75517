/** GnuPG and the key directory over HKP (draft-gallagher-openpgp-hkp): send, receive, search, refresh, and a revocation on its own. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { Gpg } from './gpg.ts'
import { KeyDirectory } from './key-directory.ts'

let keys: KeyDirectory
beforeAll(async () => {
  keys = await KeyDirectory.start(['localhost'])
  return () => keys[Symbol.asyncDispose]()
})

const somebody = (): Promise<Gpg> => Gpg.create({ keyserver: keys.keyserver })

/** GnuPG asks which one, and gives up when it must not: what it found stands before that. */
async function search(gpg: Gpg, what: string): Promise<string> {
  return gpg
    .run('--search-keys', what)
    .catch((error: unknown) => String((error as { stdout?: string }).stdout))
}

test('a key that was sent is found, and those who have it learn of a new subkey and of its revocation', async () => {
  await using alice = await somebody()
  await using bob = await somebody()
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
  const answer = await fetch(`${keys.origin}/pks/add`, {
    method: 'POST',
    body: new URLSearchParams({ keytext }),
  })
  expect([answer.status, await answer.text()]).toEqual([200, `${fingerprint} updated\n`])
  await bob.run('--refresh-keys', fingerprint)
  expect(await bob.run('--list-keys', fingerprint)).toMatch(/^pub:r:/m)
})

test('a published key is found by its address, and taken by those who have never seen it', async () => {
  await using alice = await somebody()
  await using bob = await somebody()
  const fingerprint = await alice.makeKey('Alice <alice@published.example>')
  await alice.run('--send-keys', fingerprint)
  expect(await search(bob, 'alice@published.example')).not.toContain(fingerprint)
  await keys.publish(fingerprint, 'alice@published.example')
  expect(await search(bob, 'alice@published.example')).toContain('Alice <alice@published.example>')
  const located = await bob.run(
    '--auto-key-locate',
    'clear,keyserver',
    '--locate-external-keys',
    'alice@published.example',
  )
  expect(located).toContain(fingerprint)
  expect(await bob.run('--list-keys', fingerprint)).toMatch(/^uid:.*Alice <alice@published\.example>/m)
})

test('the keybox in which it keeps its keys is imported as it stands', async () => {
  await using alice = await somebody()
  const addresses = ['one@keybox.example', 'two@keybox.example'] as const
  const fingerprints = [await alice.makeKey(addresses[0]), await alice.makeKey(addresses[1])]
  const args = ['key', 'import', join(alice.home, 'pubring.kbx'), '--publish', 'keybox.example', '--json']
  const { code, output } = await keys.sealpost.ctl(args)
  expect([code, output]).toEqual([0, expect.stringMatching(/"inserted": ?2\b[^]*"published": ?2\b/)])
  await using bob = await somebody()
  for (const [index, address] of addresses.entries())
    expect(await search(bob, address)).toContain(fingerprints[index])
})

/** Sequoia's `sq` and the clients of OpenPGP.js: HKP (draft-gallagher-openpgp-hkp) and the Web Key Directory (draft-koch-openpgp-webkey-service). */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { readStored, summarize } from '@sealpost/openpgp'
import { Gpg } from './gpg.ts'
import { KeyDirectory } from './key-directory.ts'
import { OwnNetwork } from './own-network.ts'

/** Its own declarations leave out what it does. */
interface HkpClient {
  lookup(options: { readonly keyId: string } | { readonly query: string }): Promise<string | undefined>
  upload(armor: string): Promise<Response>
}
const Hkp = createRequire(import.meta.url)('@openpgp/hkp-client') as new (origin: string) => HkpClient

const DOMAIN = 'example.org'
const ALICE = `alice@${DOMAIN}`
const LIMIT_BYTES = 1024 * 1024

let keys: KeyDirectory
let alice: Gpg
let fingerprint: string
beforeAll(async () => {
  const stack = new AsyncDisposableStack()
  keys = stack.use(await KeyDirectory.start([DOMAIN, `openpgpkey.${DOMAIN}`]))
  alice = stack.use(await Gpg.create({ keyserver: keys.keyserver }))
  fingerprint = await alice.makeKey(`Alice <${ALICE}>`)
  await alice.run('--send-keys', fingerprint)
  await keys.publish(fingerprint, ALICE)
  return () => stack.disposeAsync()
})

/** The network in which the domain is found, by the direct method or by the advanced one. */
function network(method: 'direct' | 'advanced'): Promise<OwnNetwork> {
  const { caFile, httpsPort } = keys.sealpost
  const names = method === 'direct' ? [DOMAIN] : [`openpgpkey.${DOMAIN}`]
  return OwnNetwork.create({ names, caFile, port: httpsPort })
}

async function run(...command: readonly string[]): Promise<string> {
  const [program = '', ...args] = command
  return (await promisify(execFile)(program, args, { maxBuffer: LIMIT_BYTES })).stdout
}

test.each(['direct', 'advanced'] as const)(
  'gpg locates a key over WKD, %s, and learns that others have none',
  async (method) => {
    await using net = await network(method)
    await using bob = await Gpg.create({ prefix: net.prefix })
    const located = await bob.run('--auto-key-locate', 'clear,wkd', '--locate-external-keys', ALICE)
    expect(located).toContain(`fpr:::::::::${fingerprint}:`)
    expect(await bob.run('--list-keys')).toMatch(new RegExp(`^uid:.*Alice <${ALICE}>`, 'm'))
    await using carla = await Gpg.create({ prefix: net.prefix })
    await expect(
      carla.run('--auto-key-locate', 'clear,wkd', '--locate-external-keys', `nobody@${DOMAIN}`),
    ).rejects.toThrow(/No data|Not found/)
  },
)

test.each(['direct', 'advanced'] as const)(
  'sq and @openpgp/wkd-client fetch the same key over WKD, %s',
  async (method) => {
    await using net = await network(method)
    const [armor, hex] = await Promise.all([
      run(...net.prefix, 'sq', 'wkd', 'get', ALICE),
      run(...net.prefix, process.execPath, join(import.meta.dirname, 'wkd-lookup.ts'), ALICE),
    ])
    expect(summarize(readStored(Buffer.from(hex.trim(), 'hex')), Date.now() / 1000)).toMatchObject({
      fingerprint,
      userIds: [{ text: `Alice <${ALICE}>`, valid: true }],
    })
    const file = join(alice.home, `wkd-${method}.asc`)
    await writeFile(file, armor)
    const seen = await run('gpg', '--homedir', alice.home, '--with-colons', '--show-keys', file)
    expect(seen).toContain(fingerprint)
    await expect(run(...net.prefix, 'sq', 'wkd', 'get', `nobody@${DOMAIN}`)).rejects.toThrow()
  },
)

test('sq sends a key, and gets it by fingerprint, key id and address', async () => {
  const sq = (...args: readonly string[]): Promise<string> =>
    run('sq', '--force', 'keyserver', '--policy', 'insecure', '--server', keys.keyserver, ...args)
  const [key, cert] = ['key.pgp', 'cert.pgp'].map((name) => join(alice.home, name))
  await run('sq', 'key', 'generate', '--userid', `Bob <bob@${DOMAIN}>`, '--export', key ?? '')
  await writeFile(cert ?? '', await run('sq', 'key', 'extract-cert', key ?? ''))
  await sq('send', cert ?? '')
  const own = /Fingerprint: ([0-9A-F]{40})/.exec(await run('sq', 'inspect', cert ?? ''))?.[1] ?? ''
  await keys.publish(own, `bob@${DOMAIN}`)
  for (const handle of [own, own.slice(-16), `bob@${DOMAIN}`]) {
    const file = join(alice.home, 'got.pgp')
    await sq('get', '--output', file, handle)
    expect(await run('sq', 'inspect', file)).toContain(own)
  }
  await expect(sq('get', `nobody@${DOMAIN}`)).rejects.toThrow()
})

test('@openpgp/hkp-client uploads a key, and looks it up by key id and address', async () => {
  const client = new Hkp(keys.origin)
  const armor = await alice.run('--armor', '--export', fingerprint)
  expect((await client.upload(armor)).status).toBe(200)
  const file = join(alice.home, 'hkp.asc')
  for (const what of [{ keyId: fingerprint }, { keyId: fingerprint.slice(-16) }, { query: ALICE }]) {
    await writeFile(file, (await client.lookup(what)) ?? '')
    expect(await readFile(file, 'utf8')).toMatch(/^-----BEGIN PGP PUBLIC KEY BLOCK-----/)
    expect(await run('gpg', '--homedir', alice.home, '--with-colons', '--show-keys', file)).toContain(
      fingerprint,
    )
  }
  expect(await client.lookup({ query: `nobody@${DOMAIN}` })).toBeUndefined()
})

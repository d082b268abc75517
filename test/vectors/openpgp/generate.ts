/**
 * `node test/vectors/openpgp/generate.ts`: makes certificates/*.asc anew, with GnuPG (2.2, from PATH) and openpgp.js. The tests read what was committed
 * and need neither. Secret keys are thrown away with the directory that they were in. The hostile ones are made by packages/openpgp/test/hostile.ts.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { enums, generateKey } from 'openpgp'
import type { KeyOptions } from 'openpgp'

const TARGET = join(import.meta.dirname, 'certificates')
/** 2024-01-01: GnuPG is told that it is then. */
const BIRTH = 1_704_067_200

const home = mkdtempSync(join(tmpdir(), 'gpg-'))

function gpg(time: number, args: readonly string[], input = ''): string {
  const all = ['--homedir', home, '--batch', '--yes', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', '']
  const options = [...all, '--faked-system-time', `${String(time)}!`, ...args]
  return execFileSync('gpg', options, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'], maxBuffer: 1 << 24 })
}

const save = (name: string, text: string): void => writeFileSync(join(TARGET, `${name}.asc`), text)
const exportKey = (address: string, options: readonly string[] = []): string =>
  gpg(BIRTH, ['--armor', ...options, '--export', address])

interface Kind {
  readonly name: string
  readonly primary: string
  readonly subkey: string
}
const curve = (name: string): Kind => ({
  name: `gpg-${name.toLowerCase()}`,
  primary: `Key-Type: ECDSA\nKey-Curve: ${name}`,
  subkey: `Subkey-Type: ECDH\nSubkey-Curve: ${name}`,
})
const KINDS: readonly Kind[] = [
  { name: 'gpg-rsa', primary: 'Key-Type: RSA\nKey-Length: 3072', subkey: 'Subkey-Type: RSA\nSubkey-Length: 3072' },
  { name: 'gpg-dsa', primary: 'Key-Type: DSA\nKey-Length: 2048', subkey: 'Subkey-Type: ELG\nSubkey-Length: 2048' },
  { name: 'gpg-ed25519', primary: 'Key-Type: EDDSA\nKey-Curve: ed25519', subkey: 'Subkey-Type: ECDH\nSubkey-Curve: cv25519' },
  ...['nistp256', 'nistp384', 'nistp521', 'brainpoolP256r1', 'brainpoolP384r1', 'brainpoolP512r1', 'secp256k1'].map(curve),
]

function fingerprintOf(address: string): string {
  return /^fpr:+([0-9A-F]{40}):/m.exec(gpg(BIRTH, ['--with-colons', '--list-keys', address]))?.[1] ?? ''
}

function generateByGpg(): void {
  for (const { name, primary, subkey } of KINDS) {
    const address = `${name}@example.org`
    gpg(BIRTH, ['--generate-key'], `%no-protection\n${primary}\nKey-Usage: sign\n${subkey}\nSubkey-Usage: encrypt\nName-Real: Vector\nName-Email: ${address}\n%commit\n`)
    const fingerprint = fingerprintOf(address)
    gpg(BIRTH + 60, ['--quick-add-uid', fingerprint, `Other <other-${address}>`])
    if (name !== 'gpg-dsa') gpg(BIRTH + 120, ['--quick-add-key', fingerprint, name === 'gpg-rsa' ? 'rsa2048' : 'ed25519', 'sign', '2y'])
    save(name, exportKey(fingerprint))
  }
}

/** What becomes of a key in its life: a certification by another, another expiry, a revoked user id, a revoked key, and the revocation alone. */
function liveByGpg(): void {
  const [one, other] = [fingerprintOf('gpg-ed25519@example.org'), fingerprintOf('gpg-rsa@example.org')]
  gpg(BIRTH + 300, ['--local-user', other, '--quick-sign-key', one])
  gpg(BIRTH + 360, ['--quick-set-expire', one, '1y'])
  gpg(BIRTH + 420, ['--quick-revoke-uid', one, 'Other <other-gpg-ed25519@example.org>'])
  save('gpg-life', exportKey(one))
  save('gpg-life-minimal', exportKey(one, ['--export-options', 'export-minimal']))
  const revocation = readFileSync(join(home, 'openpgp-revocs.d', `${one}.rev`), 'utf8').replace(/^:/m, '')
  save('gpg-revocation', revocation.slice(revocation.indexOf('-----BEGIN')))
  gpg(BIRTH + 480, ['--import'], revocation)
  save('gpg-revoked', exportKey(one))
}

async function generateByOpenpgpJs(): Promise<void> {
  const date = new Date(BIRTH * 1000)
  const userIDs = [{ name: 'Vector', email: 'js@example.org' }, { email: 'js-other@example.org' }]
  const make = async (name: string, options: Omit<KeyOptions, 'userIDs'>): Promise<void> => {
    const subkeys = [{ ...options, sign: true }, options]
    save(name, (await generateKey({ ...options, userIDs, subkeys, date, format: 'armored' })).publicKey)
  }
  await make('js-v4-ecc', { type: 'ecc', curve: 'nistP256' })
  await make('js-v4-curve25519', { type: 'curve25519' })
  await make('js-v4-curve448', { type: 'curve448' })
  await make('js-v4-rsa', { type: 'rsa', rsaBits: 2048 })
  await make('js-v6-curve25519', { type: 'curve25519', config: { v6Keys: true } })
  await make('js-v6-curve448', {
    type: 'curve448',
    config: { v6Keys: true, preferredHashAlgorithm: enums.hash.sha3_512 },
  })
}

try {
  mkdirSync(TARGET, { recursive: true })
  for (const file of readdirSync(TARGET)) if (/^(?:gpg|js)-/.test(file)) rmSync(join(TARGET, file))
  generateByGpg()
  liveByGpg()
  await generateByOpenpgpJs()
} finally {
  execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
  rmSync(home, { recursive: true, force: true })
}

/** draft-koch-openpgp-webkey-service §4: keys submitted and confirmed by mail, from the port on which the relay brings a mail to the mails that go out. */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAccounts, type AccountsDomain } from '@sealpost/accounts'
import { openDb, sql } from '@sealpost/db'
import { createHttp } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import { readStored, summarize } from '@sealpost/openpgp'
import {
  keyDirectoryClient,
  MailError,
  openPortSecret,
  SUBMISSION_BYTES_MAX,
  type Mail,
} from '@sealpost/ports'
import { systemClock } from '@sealpost/runtime'
import { enums, readKey, readPrivateKey, revokeKey } from 'openpgp'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { certify, ed25519, NOW, userId } from '../../../packages/openpgp/test/maker.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import { mailboxOf } from '../src/directory/mailbox.ts'
import { writeZBase32 } from '../src/directory/z-base-32.ts'
import { keyDirectoryRoutes } from '../src/ports/key-directory.ts'
import { armor, serveKeys, startKeys, type ServedKeys } from './keys.ts'
import {
  armoredIn,
  decryptFor,
  encryptedTo,
  keyPart,
  lines,
  mail,
  openRequest,
  person,
  pgpMime,
  wksPart,
  type Person,
} from './submission-mails.ts'

const DOMAIN = 'example.org'
const ADDRESS = `key-submission@${DOMAIN}`
const ROOT = '/.well-known/openpgpkey'
const DAY_MS = 86_400_000

interface Sent {
  readonly sender: string
  readonly recipient: string
  readonly message: string
}

const stack = new AsyncDisposableStack()
let platform: TestPlatform
let accounts: AccountsDomain
let keys: ServedKeys
let submissionKey: Buffer
let ahead = 0
const outbox: Sent[] = []
let refusal: MailError | undefined
const relay: Mail = {
  send: ({ sender, recipient, message }) => {
    if (refusal !== undefined) return Promise.reject(refusal)
    outbox.push({ sender, recipient, message: message.toString() })
    return Promise.resolve()
  },
}

beforeAll(async () => {
  const made = stack.use(await createTestPlatform([DOMAIN, 'bücher.example']))
  platform = { ...made, clock: { ...systemClock, now: () => Date.now() + ahead } }
  const { databaseUrl: url, bus, clock, random } = platform
  const db = stack.use(await openDb({ url, role: 'sealpost_account', poolSize: 2 }))
  accounts = stack.use(createAccounts({ db, bus, clock, random }))
  keys = await serveKeys(platform, { mail: relay }, 100_000)
  submissionKey = await lookUp(ADDRESS)
})
afterAll(async () => {
  await keys[Symbol.asyncDispose]()
  await stack.disposeAsync()
})
beforeEach(() => {
  outbox.length = 0
  refusal = undefined
})

async function lookUp(address: string): Promise<Buffer> {
  const { domain, hash } = mailboxOf(address)
  const answer = await fetch(`${keys.http}${ROOT}/${domain}/hu/${writeZBase32(hash)}`)
  return answer.status === 200 ? Buffer.from(await answer.arrayBuffer()) : Buffer.alloc(0)
}

const userIdsOf = (bytes: Buffer): string[] =>
  summarize(readStored(bytes), NOW).userIds.map(({ text }) => text)

let count = 0
/** Somebody with an account, whom no other test knows. */
async function user(more: readonly string[] = []): Promise<Person> {
  const address = `user${String(++count)}@${DOMAIN}`
  await accounts.create(parseJid(address), 'pass-word')
  return await person(address, [address, ...more])
}

/** Brings a mail, from a user who has signed in unless told. */
const bring = (message: Buffer, authenticated = true, domain = DOMAIN): Promise<void> =>
  keys.service.keys.submit({ domain, authenticated, message })

const submission = async (who: Person, key = who.publicKey): Promise<Buffer> =>
  pgpMime({ from: who.address }, await encryptedTo(submissionKey, keyPart(key)))

const response = async (who: Person, pairs: Readonly<Record<string, string>>): Promise<Buffer> => {
  const text = Object.entries({ type: 'confirmation-response', ...pairs }).map(
    ([name, value]) => `${name}: ${value}\n`,
  )
  return pgpMime({ from: who.address }, await encryptedTo(submissionKey, wksPart(text.join(''))))
}

/** Submits, and gives the nonce. */
async function nonceOf(who: Person): Promise<string> {
  const before = outbox.length
  await bring(await submission(who))
  const { document } = await openRequest(outbox[before]?.message ?? '', submissionKey, who)
  return /^nonce: (.*)$/m.exec(document)?.[1] ?? ''
}

async function stepCount(step: string): Promise<number> {
  const line = new RegExp(`keys_submission_mails_total\\{step="${step}"\\} (\\d+)`)
  return Number(line.exec(await platform.metrics.render())?.[1] ?? 0)
}

describe('the key of the submission address', () => {
  test('W9, §4.1, §4.2: is found by WKD and HKP like any other, with the address alone as user id, and is the same after a restart', async () => {
    const { userIds, fingerprint, subkeys } = summarize(readStored(submissionKey), Date.now() / 1000)
    expect(userIds).toMatchObject([{ text: `<${ADDRESS}>`, valid: true }])
    expect(subkeys).toMatchObject([{ flags: 'e' }])
    const hkp = await fetch(`${keys.http}/pks/lookup?op=index&options=mr&search=${ADDRESS}`)
    expect(await hkp.text()).toContain(fingerprint)
    const file = join(platform.dataDir, 'key-submission', `${DOMAIN}.key`)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await keys[Symbol.asyncDispose]()
    keys = await serveKeys(platform, { mail: relay }, 100_000)
    expect(await lookUp(ADDRESS)).toEqual(submissionKey)
  })

  test('each domain has its own, under its A-labels', async () => {
    const other = await lookUp('key-submission@xn--bcher-kva.example')
    expect(userIdsOf(other)).toEqual(['<key-submission@xn--bcher-kva.example>'])
    expect(other).not.toEqual(submissionKey)
  })

  test('the transparency log has it', async () => {
    expect((await fetch(`${keys.http}/keys/v1/proof/${ADDRESS}`)).status).toBe(200)
  })
})

describe('the way of a key', () => {
  test('W10, W11, W12, §4.2 to §4.4: submitted, confirmed by who can decrypt, published for the address alone; the notice is for the owner of the key', async () => {
    const alice = await user(['alice@elsewhere.example'])
    await bring(await submission(alice))
    const [request, ...more] = outbox
    expect(more).toEqual([])
    expect(request).toMatchObject({ sender: ADDRESS, recipient: alice.address })
    const message = request?.message ?? ''
    for (const line of [
      `From: Key directory <${ADDRESS}>`,
      `To: <${alice.address}>`,
      'Auto-Submitted: auto-replied', // RFC 3834 §5
      'Wks-Draft-Version: 3',
      'WKS-Phase: confirm',
      'Content-Type: multipart/signed; protocol="application/pgp-signature";',
    ])
      expect(message).toContain(`${line}\r\n`)
    expect(message).toMatch(/^[\r\n\x20-\x7e]*$/) // What is signed is not encoded anew on its way.
    const { text, document } = await openRequest(message, submissionKey, alice)
    expect(text).toMatch(/^Content-Type: text\/plain\r\n/)
    expect(message).toContain('Content-Type: application/vnd.gnupg.wks\r\n')
    const fingerprint = (await readKey({ armoredKey: alice.publicKey })).getFingerprint().toUpperCase()
    const pairs = document.trimEnd().split('\n')
    const nonce = pairs.pop() ?? ''
    expect(pairs).toEqual([
      'type: confirmation-request',
      `sender: ${ADDRESS}`,
      `address: ${alice.address}`,
      `fingerprint: ${fingerprint}`,
    ])
    expect(nonce).toMatch(/^nonce: [0-9A-Za-z]{16,64}$/)
    expect(await lookUp(alice.address)).toEqual(Buffer.alloc(0))

    const answer = await response(alice, { sender: alice.address, nonce: nonce.slice('nonce: '.length) })
    await bring(answer)
    expect(userIdsOf(await lookUp(alice.address))).toEqual([`Somebody <${alice.address}>`])
    const notice = outbox[1]
    expect(notice).toMatchObject({ sender: ADDRESS, recipient: alice.address })
    expect(notice?.message).toContain('Subject: Your key has been published\r\n')
    expect(notice?.message).toContain('WKS-Phase: done\r\n')
    const opened = await decryptFor(alice.privateKey, armoredIn(notice?.message ?? ''))
    expect(opened).toContain(alice.address)

    await bring(answer) // A nonce is used once, and who sends it again hears nothing.
    expect(outbox).toHaveLength(2)
  })

  test('W12, §4.4: GnuPG answers with the sender of the request and the address; from outside it is as good', async () => {
    const gpg = await user()
    await bring(await submission(gpg), false)
    const { document } = await openRequest(outbox[0]?.message ?? '', submissionKey, gpg)
    const nonce = /^nonce: (.*)$/m.exec(document)?.[1] ?? ''
    await bring(await response(gpg, { sender: ADDRESS, address: gpg.address.toUpperCase(), nonce }), false)
    expect(userIdsOf(await lookUp(gpg.address))).toHaveLength(1)
  })

  test('another key takes the place of the first only when it is confirmed; until then each nonce holds', async () => {
    const first = await user()
    const nonces = [await nonceOf(first), await nonceOf(first)]
    await bring(await response(first, { nonce: nonces[1] ?? '' }))
    const published = await lookUp(first.address)
    const second = await person(first.address)
    const nonce = await nonceOf(second)
    expect(await lookUp(first.address)).toEqual(published)
    await bring(await response(first, { nonce: nonces[0] ?? '' })) // used up with the other
    expect(outbox.filter(({ message }) => message.includes('WKS-Phase: done'))).toHaveLength(1)
    await bring(await response(second, { nonce }))
    expect(await lookUp(first.address)).not.toEqual(published)
  })

  test('a revocation of the published key is served at once, and its owner told', async () => {
    const alice = await user()
    await bring(await response(alice, { nonce: await nonceOf(alice) }))
    const { publicKey } = await revokeKey({
      key: await readPrivateKey({ armoredKey: alice.privateKey }),
      reasonForRevocation: { flag: enums.reasonForRevocation.keyCompromised },
    })
    await bring(await submission(alice, publicKey))
    expect(summarize(readStored(await lookUp(alice.address)), Date.now() / 1000).revoked).toBe('hard')
    expect(outbox.at(-1)?.message).toContain('WKS-Phase: done\r\n')
  })

  test('a domain that is not in ASCII: the account is found, however key and mail write it', async () => {
    const unicode = 'käthe@bücher.example'
    await accounts.create(parseJid(unicode), 'pass-word')
    const there = await lookUp('key-submission@xn--bcher-kva.example')
    const kaethe = await person(unicode)
    const around = { from: 'käthe@xn--bcher-kva.example' }
    const host = 'xn--bcher-kva.example'
    await bring(pgpMime(around, await encryptedTo(there, keyPart(kaethe.publicKey))), true, host)
    expect(outbox[0]).toMatchObject({ sender: `key-submission@${host}`, recipient: `käthe@${host}` })
    const { document } = await openRequest(outbox[0]?.message ?? '', there, kaethe)
    const nonce = /^nonce: (.*)$/m.exec(document)?.[1] ?? ''
    const text = `type: confirmation-response\nnonce: ${nonce}\n`
    await bring(pgpMime(around, await encryptedTo(there, wksPart(text))), true, host)
    expect(userIdsOf(await lookUp(unicode))).toHaveLength(1)
  })
})

describe('what is not taken', () => {
  const signingOnly = (address: string): string => {
    const primary = ed25519(++count)
    return armor(
      Buffer.concat([primary.key.packet.bytes, userId(`<${address}>`), certify(primary, `<${address}>`)]),
    )
  }
  const cases: readonly (readonly [string, RegExp, (who: Person) => Promise<Buffer>])[] = [
    ['no key', /no key in your mail/, async (who) => mail({ from: who.address }, '\r\n\r\nhello')],
    [
      'a key that is for somebody else to read',
      /no key in your mail/,
      async (who) => {
        const other = await readKey({ armoredKey: (await person('x@example.org')).publicKey })
        return pgpMime({ from: who.address }, await encryptedTo(other.write(), keyPart(who.publicKey)))
      },
    ],
    [
      '§4.2: a key that is not encrypted',
      /not encrypted/,
      async (who) => mail({ from: who.address }, keyPart(who.publicKey)),
    ],
    [
      'a key of another address',
      /no valid user id with the address/,
      async (who) => submission(who, (await person('other@example.org')).publicKey),
    ],
    [
      'two keys of the address',
      /several keys/,
      async (who) =>
        submission(
          who,
          armor(
            Buffer.concat(
              await Promise.all(
                [who, await person(who.address)].map(async ({ publicKey }) =>
                  (await readKey({ armoredKey: publicKey })).write(),
                ),
              ),
            ),
          ),
        ),
    ],
    ['a secret key', /treat the key as exposed/, (who) => submission(who, who.privateKey)],
    [
      'a secret key that is not even encrypted',
      /treat the key as exposed/,
      async (who) => mail({ from: who.address }, keyPart(who.privateKey)),
    ],
    [
      'a key that cannot be encrypted to',
      /cannot be confirmed by mail/,
      (who) => submission(who, signingOnly(who.address)),
    ],
    ['what is no key', /not OpenPGP data|armor|no public key/i, (who) => submission(who, 'not a key')],
    [
      'a revoked key',
      /is revoked/,
      async (who) => {
        const key = await readPrivateKey({ armoredKey: who.privateKey })
        return await submission(who, (await revokeKey({ key })).publicKey)
      },
    ],
    [
      'a key that its owner had removed',
      /had this key removed/,
      async (who) => {
        const fingerprint = (await readKey({ armoredKey: who.publicKey })).getFingerprint().toUpperCase()
        await keys.service.directory.submit(Buffer.from(who.publicKey))
        await keys.service.directory.remove(fingerprint)
        return await submission(who)
      },
    ],
  ]

  test.each(cases)(
    'W10, §4.2: %s: our user is told why, and a stranger nothing',
    async (_what, why, make) => {
      const who = await user()
      const message = await make(who)
      await bring(message, false)
      expect(outbox).toEqual([])
      await bring(message)
      expect(outbox).toMatchObject([{ sender: ADDRESS, recipient: who.address }])
      expect(outbox[0]?.message).toContain('Subject: Your key was not published\r\n')
      expect(outbox[0]?.message.replaceAll(/\r\n(?!\r\n)/g, ' ')).toMatch(why)
      expect(await lookUp(who.address)).toEqual(Buffer.alloc(0))
    },
  )

  test('nothing of a secret key is kept', async () => {
    const who = await user()
    await bring(await submission(who, who.privateKey))
    const fingerprint = (await readKey({ armoredKey: who.publicKey })).getFingerprint().toUpperCase()
    expect(await keys.service.directory.describe(fingerprint)).toBeUndefined()
  })

  test('mails of nobody here, and of programs, are not answered', async () => {
    const who = await user()
    const key = await encryptedTo(submissionKey, keyPart(who.publicKey))
    const suspended = await user()
    await accounts.suspend(parseJid(suspended.address), 'abuse')
    const before = await stepCount('ignored')
    const silent = [
      pgpMime({ from: `nobody@${DOMAIN}` }, key),
      pgpMime({ from: 'somebody@elsewhere.example' }, key),
      pgpMime({ from: `${who.address}, other@${DOMAIN}` }, key),
      pgpMime({ from: who.address, fields: [`From: ${who.address}`] }, key),
      pgpMime({ from: '' }, key),
      pgpMime({ from: who.address, fields: ['Auto-Submitted: auto-replied'] }, key), // RFC 3834 §2
      await submission(suspended),
      Buffer.from('no mail'),
      Buffer.alloc(0),
    ]
    for (const message of silent) await bring(message)
    await bring(pgpMime({ from: who.address }, key), true, 'xn--bcher-kva.example')
    await bring(pgpMime({ from: who.address }, key), true, 'elsewhere.example')
    expect(outbox).toEqual([])
    expect(await stepCount('ignored')).toBe(before + silent.length + 2)
  })

  test('W12, §4.4: a response changes nothing unless it is encrypted, well formed, in time, and of the address that was asked', async () => {
    const [who, other] = [await user(), await user()]
    const nonce = await nonceOf(who)
    const plain = wksPart(`type: confirmation-response\nnonce: ${nonce}\n`)
    const wrong = [
      await response(other, { nonce }),
      await response(who, { nonce, address: other.address }),
      await response(who, { nonce: nonce.slice(1) }),
      await response(who, { nonce: 'f'.repeat(64) }),
      await response(who, { nonce: `${nonce}\nnonce: ${nonce}` }),
      await response(who, { type: 'confirmation-request', nonce }),
      await response(who, {}),
      mail({ from: who.address }, plain),
      pgpMime({ from: who.address }, await encryptedTo(submissionKey, wksPart(`nonce=${nonce}`))),
      pgpMime({ from: who.address }, await encryptedTo(submissionKey, wksPart('x'.repeat(10_000)))),
    ]
    outbox.length = 0
    for (const message of wrong) await bring(message)
    ahead = 3 * DAY_MS + 1_000
    await bring(await response(who, { nonce }))
    expect(outbox).toEqual([])
    expect(await lookUp(who.address)).toEqual(Buffer.alloc(0))
    ahead = 0
    await bring(await response(who, { nonce }))
    expect(outbox).toHaveLength(1)
  })

  test('an account that is suspended before it answers publishes nothing, and one that is terminated leaves no nonce', async () => {
    const who = await user()
    const nonce = await nonceOf(who)
    outbox.length = 0
    await accounts.suspend(parseJid(who.address), 'abuse')
    await bring(await response(who, { nonce }))
    await accounts.restore(parseJid(who.address))
    await accounts.terminate(parseJid(who.address))
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_keys', poolSize: 1 })
    const open = (): Promise<unknown[]> =>
      db.query(sql`select 1 from keys.link where address = ${who.address}`)
    await expect.poll(open).toEqual([])
    expect(outbox).toEqual([])
  })

  test('three mails an hour to one address, as for links; then nothing', async () => {
    const who = await user()
    const message = await submission(who)
    for (let sent = 0; sent < 5; sent += 1) await bring(message)
    expect(outbox).toHaveLength(3)
  })

  test('what strangers send in the name of a user takes nothing from what the user sends', async () => {
    const who = await user()
    const forged = await person(who.address)
    for (let sent = 0; sent < 5; sent += 1) await bring(await submission(who, forged.publicKey), false)
    expect(outbox).toHaveLength(3)
    const nonce = await nonceOf(who)
    await bring(await response(who, { nonce }))
    expect(userIdsOf(await lookUp(who.address))).toHaveLength(1)
  })

  test('when the relay takes no mail the submission is not dealt with: nothing is left of it, and it may come again', async () => {
    const who = await user()
    const message = await submission(who)
    refusal = new MailError('MAIL_DEFERRED')
    for (let tries = 0; tries < 5; tries += 1)
      await expect(bring(message)).rejects.toMatchObject({ code: 'MAIL_DEFERRED' })
    refusal = undefined
    const nonce = await nonceOf(who)
    refusal = new MailError('MAIL_DEFERRED')
    const answer = await response(who, { nonce })
    await expect(bring(answer)).rejects.toMatchObject({ code: 'MAIL_DEFERRED' })
    refusal = undefined
    await bring(answer)
    expect(outbox.at(-1)?.message).toContain('WKS-Phase: done')
  })

  test('a damaged file of the secret key is no reason to make another: the mail comes again, and whoever runs the server sees why', async () => {
    await using own = new AsyncDisposableStack()
    const dataDir = own.adopt(await mkdtemp(join(tmpdir(), 'sealpost-wks-')), (path) =>
      rm(path, { recursive: true }),
    )
    const other = own.use(await createTestPlatform([DOMAIN]))
    const file = join(dataDir, 'key-submission', `${DOMAIN}.key`)
    await mkdir(join(dataDir, 'key-submission'))
    await writeFile(file, 'damaged', { mode: 0o600 })
    const service = own.use(await startKeys({ ...other, dataDir }, { mail: relay }))
    const message = mail({ from: `x@${DOMAIN}` }, '')
    const taking = service.keys.submit({ domain: DOMAIN, authenticated: true, message })
    await expect(taking).rejects.toMatchObject({ code: 'KEYS_SUBMISSION_KEY' })
    expect(other.logged()).toContain('KEYS_SUBMISSION_KEY')
    expect(await readFile(file, 'utf8')).toBe('damaged')
  })
})

test('from another process the relay brings mail over HTTP, with the secret of the deployment and of a megabyte at most', async () => {
  await using own = new AsyncDisposableStack()
  const { log, metrics, dataDir, random } = platform
  const secret = await openPortSecret(dataDir, random)
  const http = own.use(await createHttp({ log, metrics, title: 'Test' }))
  await http.app.register(keyDirectoryRoutes(keys.service.keys, secret))
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  const url = new URL(`http://127.0.0.1:${String(port)}`)
  const options = { url, secret, onError: () => undefined }
  const client = keyDirectoryClient(options)
  const who = await user()
  await client.submit({ domain: DOMAIN, authenticated: true, message: await submission(who) })
  expect(outbox).toMatchObject([{ recipient: who.address }])
  expect(await client.find(ADDRESS)).toBeDefined()
  const large = { domain: DOMAIN, authenticated: true, message: Buffer.alloc(SUBMISSION_BYTES_MAX + 3) }
  await expect(client.submit(large)).rejects.toMatchObject({ code: 'PORT_FAILED' })
  const stranger = keyDirectoryClient({ ...options, secret: { ...secret, authorization: 'Bearer guess' } })
  await expect(stranger.submit({ ...large, message: Buffer.alloc(1) })).rejects.toMatchObject({
    code: 'PORT_REFUSED',
  })
  refusal = new MailError('MAIL_DEFERRED')
  const again = { domain: DOMAIN, authenticated: true, message: await submission(who) }
  await expect(client.submit(again)).rejects.toMatchObject({ code: 'PORT_FAILED' })
})

describe('mails that are made to hurt', () => {
  const from = async (entity: (who: Person) => Promise<string>): Promise<readonly [Person, Buffer]> => {
    const who = await user()
    return [who, pgpMime({ from: who.address }, await entity(who))]
  }

  test('a message that decompresses to more than a megabyte is not read, whatever it holds', async () => {
    const [who, bomb] = await from(async ({ publicKey }) =>
      encryptedTo(
        submissionKey,
        Buffer.concat([Buffer.from(keyPart(publicKey)), Buffer.alloc(32 * 1024 * 1024)]),
        {
          preferredCompressionAlgorithm: enums.compression.zlib,
        },
      ),
    )
    expect(bomb.length).toBeLessThan(64 * 1024)
    await bring(bomb)
    expect(outbox).toMatchObject([{ recipient: who.address }])
    expect(outbox[0]?.message).toContain('no key in your mail')
    const small = await encryptedTo(submissionKey, keyPart(who.publicKey), {
      preferredCompressionAlgorithm: enums.compression.zlib,
    })
    await bring(pgpMime({ from: who.address }, small))
    expect(outbox[1]?.message).toContain('WKS-Phase: confirm')
  })

  test.each([
    ['parts without end', 'Content-Type: multipart/mixed; boundary=x\r\n\r\n' + '--x\r\n\r\n'.repeat(50_000)],
    [
      'parts in parts',
      Array.from(
        { length: 1_000 },
        (_, depth) => `Content-Type: multipart/mixed; boundary=b${depth}\r\n\r\n--b${depth}\r\n`,
      ).join(''),
    ],
    [
      'a megabyte of armor',
      `Content-Type: application/pgp-keys\r\n\r\n${'-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n'.repeat(25_000)}`,
    ],
    ['a header without end', `X: ${'x '.repeat(400_000)}`],
  ])('%s: the next mail is read all the same', async (_what, entity) => {
    const who = await user()
    await bring(mail({ from: who.address }, entity))
    expect(outbox[0]?.message).toContain('Subject: Your key was not published')
    await bring(await submission(who))
    expect(outbox[1]?.message).toContain('WKS-Phase: confirm')
  })
})

test('nothing of it is in logs or metrics', async () => {
  expect(lines(platform.logged(), await platform.metrics.render())).not.toMatch(
    /user\d+@|elsewhere|key-submission@/,
  )
  expect(await stepCount('confirmed')).toBeGreaterThan(0)
})

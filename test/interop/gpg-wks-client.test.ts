/** GnuPG's gpg-wks-client and the Web Key Service (draft-koch-openpgp-webkey-service §4): its requests and responses go by SMTP, and what it is sent waits in the mailbox. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { partsOf } from '../../services/keys/test/submission-mails.ts'
import { Gpg } from './gpg.ts'
import { OwnNetwork } from './own-network.ts'
import { Sealpost } from './sealpost.ts'

const DOMAIN = 'example.org'
const NAME = 'alice'
const ALICE = `${NAME}@${DOMAIN}`
const PASSWORD = 'pass-word'
const SUBMISSION = `key-submission@${DOMAIN}`
const BASIC = `Basic ${Buffer.from(`${ALICE}:${PASSWORD}`).toString('base64')}`

let sealpost: Sealpost
let net: OwnNetwork
beforeAll(async () => {
  const stack = new AsyncDisposableStack()
  const environment = { SEALPOST_DOMAIN: `${DOMAIN},openpgpkey.${DOMAIN}` }
  sealpost = stack.use(await Sealpost.start({ environment }))
  await sealpost.importAccounts([{ username: NAME, password: PASSWORD }])
  const { caFile, httpsPort } = sealpost
  net = stack.use(await OwnNetwork.create({ names: [`openpgpkey.${DOMAIN}`], caFile, port: httpsPort }))
  return () => stack.disposeAsync()
})

interface Ended {
  readonly code: number
  readonly output: string
}

/** Runs it in a network of its own; its dirmngr would look for the last one. */
async function wks(gpg: Gpg, args: readonly string[], input = ''): Promise<Ended> {
  await promisify(execFile)('gpgconf', ['--homedir', gpg.home, '--kill', 'dirmngr'])
  const [program = '', ...before] = net.prefix
  const own = [`GNUPGHOME=${gpg.home}`, `PATH=${process.env['PATH'] ?? ''}:/usr/lib/gnupg`] // there in Debian 12
  const command = [...before, 'env', ...own, 'gpg-wks-client', '--verbose', ...args]
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const child = execFile(program, command, (error, stdout, stderr) => {
    const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1
    resolve({ code, output: code === 0 && stdout !== '' ? stdout : stdout + stderr })
  })
  child.stdin?.end(input)
  return await promise
}

async function send(mail: string): Promise<void> {
  const args = ['--silent', '--show-error', '--cacert', sealpost.caFile, '--user', `${ALICE}:${PASSWORD}`]
  const way = ['--connect-to', `::127.0.0.1:${String(sealpost.submissionsPort)}`]
  const url = ['--url', `smtps://${DOMAIN}:${String(sealpost.submissionsPort)}`]
  const envelope = ['--mail-from', ALICE, '--mail-rcpt', SUBMISSION, '--upload-file', '-']
  const running = promisify(execFile)('curl', [...args, ...way, ...url, ...envelope])
  running.child.stdin?.end(mail.replaceAll(/\r?\n/g, '\r\n'))
  await running
}

/** The one mail in the mailbox, which is acknowledged. */
async function receive(): Promise<string> {
  const list = `http://127.0.0.1:${String(sealpost.httpPort)}/v1/mail`
  const headers = { authorization: BASIC }
  const waiting = async (): Promise<{ id: string }[]> =>
    ((await (await fetch(list, { headers })).json()) as { items: { id: string }[] }).items
  await expect.poll(waiting).toHaveLength(1)
  const [first] = await waiting()
  const id = first?.id ?? ''
  const mail = await (await fetch(`${list}/${id}`, { headers })).text()
  await fetch(`${list}/${id}`, { method: 'DELETE', headers })
  return mail
}

test('a key is submitted, confirmed and found by gpg: --supported, --create, --receive, --check, then --locate-external-keys', async () => {
  await using alice = await Gpg.create({})
  const fingerprint = await alice.makeKey(`Alice <${ALICE}>`)
  expect(await wks(alice, ['--supported', '--with-colons', ALICE])).toEqual({
    code: 0,
    output: `${DOMAIN}:1:1::3:0:0:\n`,
  })
  expect((await wks(alice, ['--check', ALICE])).code).not.toBe(0)

  const request = await wks(alice, ['--create', fingerprint, ALICE])
  expect(request.output).toContain(`To: ${SUBMISSION}`)
  await send(request.output)
  const confirmation = await receive()
  expect(confirmation).toContain('WKS-Phase: confirm')
  const [signed = '', signature = ''] = partsOf(confirmation)
  const files = [join(alice.home, 'signature.asc'), join(alice.home, 'signed')] as const
  await Promise.all([writeFile(files[0], signature), writeFile(files[1], signed)])
  expect(await alice.run('--verify', ...files)).toContain(`Good signature from "<${SUBMISSION}>"`)
  expect((await wks(alice, ['--check', ALICE])).code).not.toBe(0)

  const response = await wks(alice, ['--receive'], confirmation)
  expect(response.output).toContain('Subject: Key publication confirmation')
  await send(response.output)
  expect(await receive()).toContain('WKS-Phase: done')
  expect(await wks(alice, ['--check', ALICE])).toMatchObject({ code: 0 })

  await using bob = await Gpg.create({ prefix: net.prefix })
  const located = await bob.run('--auto-key-locate', 'clear,wkd', '--locate-external-keys', ALICE)
  expect(located).toContain(`fpr:::::::::${fingerprint}:`)
})

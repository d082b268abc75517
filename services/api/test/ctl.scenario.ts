import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCtl } from '../src/cli/index.ts'
import { basic, createTestApi, type TestApi } from './api.ts'

let api: TestApi
let folder: string
beforeAll(async () => {
  api = await createTestApi()
  folder = await mkdtemp(join(tmpdir(), 'sealpost-ctl-'))
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line on the data directory of the test server; words are separated by spaces. */
async function ctl(line: string, { stdin = '', tty = false, dataDir = api.dataDir } = {}): Promise<Outcome> {
  const [stdout, stderr] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY: tty })]
  const code = await runCtl(line.split(' '), {
    dataDir,
    stdin: Readable.from([stdin]),
    stdout,
    stderr,
    localVerbs: [
      {
        noun: 'keyring',
        verb: 'adopt',
        summary: 'Adopt',
        run: async (directory) => `adopted in ${directory}`,
      },
      {
        noun: 'keyring',
        verb: 'reset',
        summary: 'Reset',
        run: async () => {
          throw Object.assign(new Error('no'), { code: 'EACCES' })
        },
      },
    ],
  })
  const read = (stream: PassThrough) => String(stream.read() ?? '')
  return { code, out: read(stdout), err: read(stderr) }
}

describe('ctl account', () => {
  test('create with a password from standard input', async () => {
    const created = await ctl('account create ann@example.org --password-stdin', { stdin: 'my secret\nmore' })
    expect(created).toEqual({ code: 0, out: 'ann@example.org created\n', err: '' })
    expect((await api.call('GET', '/v1/me', { headers: basic('ann', 'my secret') })).status).toBe(200)
    const again = await ctl('account create ann@example.org --password-stdin', { stdin: 'x' })
    expect(again).toEqual({ code: 1, out: '', err: 'The account exists already\n' })
    expect((await ctl('account create ben@example.org --password-stdin')).code).toBe(2)
  })

  test('create without a password prints a link', async () => {
    const { out } = await ctl('account create linked@example.org')
    expect(out).toMatch(
      /^linked@example.org created\nA password is chosen at https:\/\/example.org:8443\/enrol\//,
    )
    expect((await ctl('account enrol linked@example.org')).out).toContain('/enrol/')
  })

  test('list, show, suspend, restore, terminate', async () => {
    await ctl('account create carla@example.net --password-stdin', { stdin: 'x' })
    expect((await ctl('account show carla@example.net')).out).toMatch(
      /^carla@example.net {2}active {2}created /,
    )
    const suspended = await ctl('account suspend carla@example.net --reason=payment')
    expect(suspended.out).toContain('suspended (payment)')
    const listed = await ctl('account list --domain example.net --state suspended --limit 5 --json')
    expect(JSON.parse(listed.out)).toMatchObject({ items: [{ jid: 'carla@example.net', reason: 'payment' }] })
    expect((await ctl('account restore carla@example.net')).out).toContain('active')
    expect((await ctl('account terminate carla@example.net')).out).toContain('terminated')
    expect((await ctl('account list --domain none.example')).out).toBe('No accounts\n')
  })

  test('import with a line of progress on a terminal, and a report', async () => {
    const file = join(folder, 'accounts.csv')
    const rows = Array.from({ length: 120 }, (_, i) => `imported${String(i)},secret ${String(i)}`)
    await writeFile(file, `username,password\n${rows.join('\n')}\nbroken\n`)
    const imported = await ctl(`account import ${file}`, { tty: true })
    expect(imported).toMatchObject({ code: 0, out: '120 created, 0 existed, 1 invalid\nline 122: fields\n' })
    expect(imported.err).toContain('100 created, 0 exists, 1 invalid')
    const repeated = await ctl(`account import ${file} --json`)
    expect(repeated.err).toBe('')
    expect(JSON.parse(repeated.out)).toMatchObject({ created: 0, exists: 120, invalid: 1 })
    await writeFile(join(folder, 'more.jsonl'), '{"jid":"by-link"}\n')
    const links = await ctl(`account import ${folder}/more.jsonl`)
    expect(links.out).toMatch(/^1 created, 0 existed, 0 invalid\nline 1: https:\/\/\S+\/enrol\/\S+\n$/)
    const listed = await ctl('account export-all --search by-link')
    expect(JSON.parse(listed.out)).toMatchObject({ jid: 'by-link@example.org', plan: 'default' })
    expect((await ctl(`account import ${folder}/absent.csv`)).code).toBe(2)
  })
})

describe('ctl mail', () => {
  const id = '0c9f37ac-3f30-4c39-9f0e-27e1fc2c8a11'

  test('what waits is listed and shown with its reasons, and held, let go, tried again and dropped', async () => {
    expect((await ctl('mail queue')).out).toBe('No mail waits\n')
    const reason = { code: 451, status: '4.7.1', words: undefined }
    const [acceptedAt, nextAt] = [Date.UTC(2030, 0, 1), Date.UTC(2030, 0, 1, 0, 10)]
    const recipients = [{ domain: 'example.com', attempts: 3, nextAt, reason }]
    api.mail.waiting = [{ id, accountId: undefined, acceptedAt, bytes: 1234, hold: undefined, recipients }]
    for (const line of ['mail queue', `mail show ${id}`])
      expect((await ctl(line)).out).toMatch(/0c9f37ac.*2030-01-01.*example\.com.*451 4\.7\.1/s)
    for (const change of ['hold', 'release', 'retry', 'drop'])
      expect(await ctl(`mail ${change} ${id}`)).toMatchObject({ code: 0, err: '' })
    expect(api.mail.changes.map(([, change]) => change)).toEqual(['hold', 'release', 'retry', 'drop'])
    expect((await ctl('mail retry nonsense')).code).not.toBe(0)
  })
})

describe('ctl audit', () => {
  test('what was done is listed, exported in the order of the chain, and found whole', async () => {
    await ctl('account create audited@example.org --password-stdin', { stdin: 'secret' })
    expect((await ctl('audit list')).out).toMatch(/account\.create/)
    const exported = (await ctl('audit export')).out.trimEnd().split('\n')
    const entries = exported.map((line) => JSON.parse(line) as { seq: number; action: string })
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1))
    expect(entries.map(({ action }) => action)).toContain('account.create')
    expect((await ctl('audit verify')).out).toMatch(/^\d+ entries are as they were written/)
  })
})

describe('ctl', () => {
  test('makes keys and uses them on a server elsewhere', async () => {
    const created = await ctl('apikey create --label ops --scope accounts:read,apikeys:read --json')
    const { token, id } = JSON.parse(created.out) as { token: string; id: string }
    const keyFile = join(folder, 'key')
    await writeFile(keyFile, `${token}\n`)
    const remote = `--url ${api.origin} --key-file ${keyFile}`
    expect((await ctl(`apikey list ${remote}`)).out).toContain(`${id}  ops  accounts:read,apikeys:read`)
    const refused = await ctl(`account create x@example.org ${remote}`)
    expect(refused).toEqual({
      code: 1,
      out: '',
      err: 'The role or the API key lacks a scope: accounts:write\n',
    })
    const json = await ctl(`account create x@example.org ${remote} --json`)
    expect(JSON.parse(json.out)).toMatchObject({ status: 403, type: 'urn:sealpost:problem:scope-missing' })
    expect((await ctl(`apikey revoke ${id}`)).code).toBe(0)
    expect((await ctl(`apikey list ${remote}`)).code).toBe(1)
  })

  test('recovers an administrator', async () => {
    const { out } = await ctl('admin recover --json')
    const { token } = JSON.parse(out) as { token: string }
    expect((await ctl(`invite redeem ${token}`)).out).toMatch(/^Your key, shown only now:\nsp_/)
  })

  test('runs verbs on the data directory', async () => {
    expect(await ctl('keyring adopt')).toEqual({ code: 0, out: `adopted in ${api.dataDir}\n`, err: '' })
    expect(await ctl('keyring reset')).toMatchObject({
      code: 1,
      err: 'The data directory cannot be changed: EACCES\n',
    })
  })

  test.each([
    ['nonsense', /^Nouns are account, .*device, .*keyring; ctl --help lists all verbs$/m],
    ['account', /account create JID/],
    ['account nonsense', /account create JID/],
    ['account show', /Usage: account show JID/],
    ['account show a b', /Usage: account show JID/],
    ['account show a --reason x', /There is no option --reason here/],
    ['account list --limit ten', /--limit must be a number/],
    ['account list --limit', /--limit needs a value/],
    ['account list --limit 1 --limit 2', /given twice/],
    ['account list --json=yes', /takes no value/],
    ['apikey create', /--scope SCOPE/],
    ['keyring adopt now', /Usage: keyring adopt/],
    ['account list --key-file x', /--key-file is for --url/],
    ['account list --url ftp://example.org', /must be https/],
    ['account list --url http://127.example.org', /must be https/],
    ['account list --url nonsense', /--url must be like/],
    ['account list --url https://localhost --key-file /nonexistent', /cannot be read/],
  ])('%s: exit code 2', async (line, expected) => {
    const { code, out, err } = await ctl(line)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(expected)
  })

  test('a server that is not there: exit code 1', async () => {
    expect(await ctl('account list', { dataDir: folder })).toMatchObject({
      code: 1,
      err: 'No server is running on this data directory (no ctl.sock)\n',
    })
    expect(await ctl('account list --url http://127.0.0.1:1')).toMatchObject({ code: 1, out: '' })
  })

  test('as a program', async () => {
    const script = join(import.meta.dirname, '../../../scripts/ctl.ts')
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, [
      script,
      'account',
      'list',
      '--json',
      '--data-dir',
      api.dataDir,
    ])
    expect(JSON.parse(stdout)).toHaveProperty('items')
    const help = await run(process.execPath, [script, '--help'])
    for (const noun of ['account create', 'apikey list', 'admin recover', 'keyring adopt', 'keyring reset']) {
      expect(help.stdout).toContain(`  ${noun}`)
    }
    await expect(run(process.execPath, [script, 'nonsense'])).rejects.toMatchObject({ code: 2 })
  })
})

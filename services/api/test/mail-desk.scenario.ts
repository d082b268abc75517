/** The desk over REST and ctl: who may read it, and what a terminal is shown; the mail relay keeps the mails. */
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { runCtl } from '../src/cli/run-ctl.ts'
import { createTestApi, type TestApi } from './api.ts'

const ID = '0c9f37ac-3f30-4c39-9f0e-27e1fc2c8a11'
const MAIL = {
  id: ID,
  acceptedAt: Date.UTC(2030, 0, 1),
  bytes: 40,
  feedback: 'abuse' as const,
  from: 'Eve <eve@example.com>',
  subject: 'bad \u001B[2J mail',
  text: 'Subject: bad\r\n\r\n\u001B[2J\u0007look\tat \u00E4 \u202E\r\n',
}

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())
beforeEach(() => {
  api.desk.mails = [MAIL]
})

async function ctl(line: string): Promise<{ code: number; out: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const code = await runCtl(line.split(' '), {
    dataDir: api.dataDir,
    stdin: Readable.from([]),
    stdout,
    stderr,
    localVerbs: [],
  })
  stdout.end()
  return { code, out: await text(stdout) }
}

test('the desk is listed and read as it is; what is done with is destroyed', async () => {
  const listed = {
    id: ID,
    received_at: '2030-01-01T00:00:00.000Z',
    bytes: 40,
    feedback: 'abuse',
    from: MAIL.from,
    subject: MAIL.subject,
  }
  expect((await api.owner('GET', '/v1/mail-desk')).json).toEqual({ items: [listed] })
  expect((await api.owner('GET', `/v1/mail-desk?after=${ID}`)).json).toEqual({ items: [] })
  expect(api.desk.asked.at(-1)).toBe(ID)
  expect((await api.owner('GET', `/v1/mail-desk/${ID}`)).json).toEqual({
    ...listed,
    text: MAIL.text,
    next: MAIL.text.length,
  })
  expect((await api.owner('GET', `/v1/mail-desk/${ID}?from=9`)).json).toEqual({
    ...listed,
    text: MAIL.text.slice(9),
  })
  expect((await api.owner('DELETE', `/v1/mail-desk/${ID}`)).json).toEqual({ id: ID })
  for (const method of ['GET', 'DELETE'])
    expect((await api.owner(method, `/v1/mail-desk/${ID}`)).status).toBe(404)
})

test('reading needs desk:read, destroying desk:write; the scopes of the queue are not enough', async () => {
  const other = await api.key('mail:read', 'mail:write')
  for (const path of ['', `/${ID}`])
    expect((await api.call('GET', `/v1/mail-desk${path}`, { key: other })).status).toBe(403)
  const key = await api.key('desk:read')
  expect((await api.call('GET', `/v1/mail-desk/${ID}`, { key })).status).toBe(200)
  expect((await api.call('DELETE', `/v1/mail-desk/${ID}`, { key })).status).toBe(403)
})

test('ctl shows it without anything that could steer the terminal', async () => {
  expect(await ctl('mail desk list')).toEqual({
    code: 0,
    out: `${ID}  2030-01-01T00:00:00.000Z  40 bytes  report: abuse\n    Eve <eve@example.com>\n    bad \uFFFD[2J mail\n`,
  })
  const { out } = await ctl(`mail desk show ${ID}`)
  expect(out).toContain('Subject: bad\n\n\uFFFD[2J\uFFFDlook\tat \u00E4 \uFFFD\n')
  expect(out).toContain(`--from ${String(MAIL.text.length)} goes on`)
  expect(await ctl(`mail desk done ${ID}`)).toEqual({ code: 0, out: `${ID} destroyed\n` })
  expect(await ctl('mail desk list')).toEqual({ code: 0, out: 'Nothing waits at the desk\n' })
  expect((await ctl('mail desk nonsense')).code).toBe(2)
  expect((await ctl('mail desk --help')).out).toContain('mail desk show ID [--from NUMBER]')
})

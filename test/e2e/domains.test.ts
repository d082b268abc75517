/** What an operator decides for a domain, in whole deployments: it holds within a second. */
import { setTimeout } from 'node:timers/promises'
import { openDb, sql } from '@sealpost/db'
import type { Element } from '@sealpost/stanza'
import { expect, test } from 'vitest'
import { send as sendMail } from '../../services/smtp/test/reception.ts'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { omemo } from '../../services/xmpp/test/relay-fixture.ts'
import { shape } from './shape.ts'

const PATIENCE_MS = 300

const plain =
  (to: string) =>
  (id: string): string =>
    `<message to='${to}' type='chat' id='${id}'><body>readable</body></message>`

shape.describe(
  'domains',
  (deployment) => {
    const ctl = async (line: string, input = ''): Promise<string> => {
      const { code, output } = await deployment().ctl(line.split(' '), input)
      expect({ line, code, output }).toMatchObject({ code: 0 })
      return output
    }
    const signIn = async (jid: string, resource: string): Promise<TestClient> => {
      const [username = '', domain = ''] = jid.split('@')
      const client = await TestClient.signIn({
        port: deployment().ports.xmpp,
        username,
        domain,
        password: 'secret',
        resource,
        mechanism: 'SCRAM-SHA-256-PLUS',
      })
      await client.enableStreamManagement()
      await client.available()
      return client
    }
    const account = (jid: string): Promise<string> =>
      ctl(`account create ${jid} --password-stdin`, 'secret\n')
    const sealedRows = async (): Promise<number> => {
      await using db = await openDb({ url: await deployment().databaseUrl() })
      const [row] = await db.query<{ count: number }>(sql`select count(*)::int as count from xmpp.sealed`)
      return row?.count ?? -1
    }
    let messages = 0
    /** What becomes of a message within a moment: `taken` by the other's client, an error's condition, or `silence`. */
    const outcome = async (from: TestClient, to: TestClient, message: (id: string) => string) => {
      const id = `m${String(++messages)}`
      from.sends(message(id))
      const fits = ({ name, attrs }: Element) => name === 'message' && attrs['id'] === id
      const found = await Promise.any([to.next(fits, PATIENCE_MS), from.next(fits, PATIENCE_MS)]).catch(
        () => undefined,
      )
      if (found?.attrs['type'] === 'error') return found.child('error')?.elements()[0]?.name
      return found === undefined ? 'silence' : 'taken'
    }
    const within = { interval: 20, timeout: 1_000 }

    test('encryption: decided for one domain, the stricter of two holds, within a second', async () => {
      for (const jid of ['ann@a.example', 'ben@a.example', 'bo@b.example']) await account(jid)
      const ann = await signIn('ann@a.example', 'x')
      const ben = await signIn('ben@a.example', 'x')
      const bo = await signIn('bo@b.example', 'x')
      expect(await outcome(ann, ben, plain('ben@a.example'))).toBe('policy-violation')
      expect(await ctl('domain set a.example --e2ee optional')).toBe('a.example  e2ee optional\n')
      const decided = performance.now()
      const send = () => outcome(ann, ben, plain('ben@a.example'))
      await expect.poll(send, within).toBe('taken')
      expect(performance.now() - decided).toBeLessThan(1_000)
      expect(await outcome(ann, bo, plain('bo@b.example'))).toBe('policy-violation')
      expect(await outcome(bo, ann, plain('ann@a.example'))).toBe('policy-violation')
      await ctl('domain set a.example')
      await expect.poll(send, within).toBe('policy-violation')
      for (const client of [ann, ben, bo]) await client.close()
    })

    test('storage none: who is here gets it, who is away does not, and nothing is kept', async () => {
      await account('here@b.example')
      await account('away@b.example')
      await account('probe@b.example')
      await ctl('domain set b.example --storage none')
      const ann = await signIn('ann@a.example', 'x')
      const here = await signIn('here@b.example', 'x')
      const probe = () => outcome(ann, here, (id) => omemo('probe@b.example', id))
      await expect.poll(probe, within).toBe('recipient-unavailable')
      const before = await sealedRows()
      for (let n = 0; n < 20; n++) {
        expect(await outcome(ann, here, (id) => omemo('away@b.example', id))).toBe('recipient-unavailable')
        expect(await outcome(ann, here, (id) => omemo('here@b.example', id))).toBe('taken')
      }
      await here.ping()
      expect(await sealedRows()).toBe(before)
      expect(await ctl('domain list')).toBe('a.example  as the server\nb.example  storage none\n')
      await here.close()
      const away = await signIn('away@b.example', 'x')
      await away.receivesNothing()
      await away.close()
      await ann.close()
    })

    test('lifetime: the shortest of server, domain and sender', async () => {
      await account('late@a.example')
      const ann = await signIn('ann@a.example', 'x')
      let sent = await ann.serverCounter()
      const send = async (id: string, seconds?: number): Promise<void> => {
        const expire =
          seconds === undefined ? '' : `<expire xmlns='urn:sealpost:expire:0' seconds='${String(seconds)}'/>`
        ann.sends(omemo('late@a.example', id).replace('</message>', `${expire}</message>`))
        await ann.safeUpTo(++sent)
      }
      const before = await sealedRows()
      await send('server')
      await send('sender', 1)
      await expect.poll(sealedRows, { timeout: 8_000, interval: 200 }).toBe(before + 1)
      await ctl('domain set a.example --message-ttl-seconds 2')
      await setTimeout(1_000)
      await send('domain')
      await send('domain-not-sender', 3_600)
      expect(await sealedRows()).toBe(before + 3)
      await expect.poll(sealedRows, { timeout: 8_000, interval: 200 }).toBe(before + 1)
      const late = await signIn('late@a.example', 'x')
      expect((await late.message()).attrs['id']).toBe('server')
      await late.receivesNothing()
      await late.close()
      await ann.close()
    })

    test('the keys that sign its mail are listed with their records, and followed by the next', async () => {
      const keys =
        /^active since \S+ {2}rsa {2}in DNS: \w+\nr\d+\._domainkey\.b\.example\. IN TXT "v=DKIM1; [^"]+" "[^"]+"\nactive .* ed25519 .*\ne\d+\./
      expect(await ctl('dkim list b.example')).toMatch(keys)
      expect(await ctl('domain records b.example')).toContain(
        '\n_smtp._tls.b.example. IN TXT "v=TLSRPTv1; rua=mailto:tls-reports@b.example"\n',
      )
      expect(await ctl('mail reports --domain b.example')).toBe('Nothing was reported\n')
      expect((await ctl('dkim rotate b.example')).match(/^next since/gm)).toHaveLength(2)
    })

    test('mail to whoever runs the server waits at the desk, is read by ctl, and destroyed', async () => {
      using server = await SmtpClient.connect(deployment().ports.smtp)
      await server.ask()
      await server.ask('EHLO client.example')
      const text = 'Subject: your user spams\r\n\r\nplease look'
      const mail = { from: 'eve@elsewhere.example', to: ['abuse@b.example'], text }
      expect(await sendMail(server, mail)).toMatch(/^250/)
      const listed = /^([\da-f-]{36}) .* bytes\n.*\n {4}your user spams$/m
      await expect.poll(() => ctl('mail desk list')).toMatch(listed)
      const id = listed.exec(await ctl('mail desk list'))?.[1] ?? ''
      const shown = await ctl(`mail desk show ${id}`)
      expect(shown).toContain('\n\nplease look\n')
      // Whoever follows up a complaint needs to see where it came from.
      expect(shown).toMatch(/^Return-Path: <eve@elsewhere\.example>$/m)
      expect(shown).toMatch(/^Received: from client\.example \(.*\[?127\.0\.0\.1\]?\)/m)
      expect(shown).toMatch(/^Authentication-Results: a\.example;/m)
      expect(await ctl(`mail desk done ${id}`)).toBe(`${id} destroyed\n`)
      expect(await ctl('mail desk list')).toBe('Nothing waits at the desk\n')
    })

    test('after a restart what was decided still holds', async () => {
      await ctl('domain set a.example --e2ee off --storage none')
      await deployment().stop()
      await deployment().start()
      expect(await ctl('domain show a.example')).toBe('a.example  e2ee off  storage none\n')
      const ann = await signIn('ann@a.example', 'x')
      expect(await outcome(ann, ann, plain('ben@a.example'))).toBe('recipient-unavailable')
      await ann.close()
    })
  },
  { domains: ['a.example', 'b.example'], long: true },
)

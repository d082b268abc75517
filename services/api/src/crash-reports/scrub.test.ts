import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { signatureOf } from './crash-reports.ts'
import { scrub } from './scrub.ts'

test.each([
  ['login failed for alice@example.org', 'login failed for [address]'],
  ['from="juliet.capulet@example.net/Balcony 1"', 'from="[address] 1"'],
  ['to ключ@пример.example now', 'to [address] now'],
  ['xmpp:alice@example.org?message', '[address]'],
  ['call tel:+15145550123', 'call [uri]'],
  ['GET https://example.org:8443/enrol/abc?token=1 failed', 'GET [url] failed'],
  ['peer 192.0.2.17:5222 closed', 'peer [ip] closed'],
  ['peer [2001:db8::17]:5222 closed', 'peer [ip] closed'],
  ['peer fe80::1%eth0 closed', 'peer [ip] closed'],
  ['peer ::ffff:192.0.2.1 closed', 'peer [ip] closed'],
  ['id 6a1f3ad4-6f10-4c55-8d2f-0f2d9b9b6d10!', 'id [uuid]!'],
  ['Authorization: Bearer sp_Zm9vYmFyYmF6cXV4cXV1eA', '[secret]'],
  ['password=hunter2 wrong', '[secret] wrong'],
  ['eyJhbGciOi.eyJzdWIiOjE.SflKxwRJSMeKKF2QT4', '[token]'],
  ['fpr D1A66E1A23B182C9980F788CFBFCC82A015E7330', 'fpr [hex]'],
  ['phone +1 (514) 555-0123.', 'phone [phone].'],
  ['phone 514-555-0123.', 'phone [phone].'],
  ['imei 490154203237518', 'imei [hex]'],
  ['wlan 00:1a:2b:3c:4d:5e up', 'wlan [hardware] up'],
  ['/home/alice/.config/client/db.sqlite', '/home/[user]/.config/client/db.sqlite'],
  ['at C:\\Users\\Alice Liddell\\app.js', 'at C:\\Users\\[user]\\app.js'],
  ['/Users/alice/Library', '/Users/[user]/Library'],
  ['~alice/bin', '~[user]/bin'],
  ['al\u200bice@example.org', '[address]'],
  ['ａｌｉｃｅ＠example.org', '[address]'],
])('%s', (text, scrubbed) => expect(scrub(text)).toBe(scrubbed))

test.each([
  'java.lang.NullPointerException: Attempt to invoke virtual method on a null object reference',
  '\tat org.example.chat.ui.ConversationFragment.onCreate(ConversationFragment.java:1234)',
  'std::vector<Message>::at(unsigned long) + 42',
  'thread panicked at src/main.rs:10:5',
  'Signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0',
])('what a developer needs stays: %s', (line) => expect(scrub(line)).toBe(line))

const word = fc.string({
  unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'.split('')),
  minLength: 1,
  maxLength: 12,
})
const digits = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'.split('')), minLength: length, maxLength: length })
const identifiers = fc.oneof(
  fc.tuple(word, word).map(([user, domain]) => `${user}@${domain}.example`),
  fc.tuple(word, word, word).map(([user, domain, resource]) => `${user}@${domain}.example/${resource}`),
  fc.ipV4(),
  fc.ipV6().filter((ip) => ip.length > 4),
  fc.uuid(),
  fc.emailAddress(),
  digits(10).map((number) => `+1${number}`),
  digits(7).map((number) => `514-${number.slice(0, 3)}-${number.slice(3)}`),
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: 16, maxLength: 64 }),
  word.filter((name) => name.length > 3).map((name) => `/home/${name}/x`),
)
const around = fc.constantFrom(' ', '\n', '"', "'", '(', ')', ', ', ': ', '=', '<', '>', '\t', ' at ', ';')

test('no identifier passes, whatever stands around it (seeded)', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(around, identifiers, around), { minLength: 1, maxLength: 5 }), (parts) => {
      const text = parts.map((part) => part.join('')).join(' ')
      const scrubbed = scrub(text)
      for (const [, identifier] of parts) expect(scrubbed).not.toContain(identifier)
    }),
    { interruptAfterTimeLimit: 4_000, numRuns: 5_000 },
  )
})

test('scrubbing again changes nothing, whatever the text (seeded)', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.lorem()), (text) => {
      const scrubbed = scrub(text)
      expect(scrub(scrubbed)).toBe(scrubbed)
    }),
    { interruptAfterTimeLimit: 2_000 },
  )
})

test.each([
  'a'.repeat(65_536),
  'a-'.repeat(32_768),
  'a.'.repeat(32_768),
  '1 '.repeat(32_768),
  'a@'.repeat(32_768),
  ':'.repeat(65_536),
  'key'.repeat(20_000),
  '/home/'.repeat(10_000),
  `key${' '.repeat(65_000)}`,
  '+1'.repeat(32_768),
  '~a'.repeat(32_768),
])('a hostile text takes no longer than another: %.10s', (text) => {
  const before = performance.now()
  scrub(text)
  expect(performance.now() - before).toBeLessThan(5_000)
})

test('a crash is the same kind whatever its line numbers and addresses are', () => {
  const trace = (line: number, address: string) =>
    `Error: it broke\n    at run (app.js:${String(line)}:5)\n    at 0x${address}`
  expect(signatureOf(trace(1, '7f00'))).toBe(signatureOf(trace(99, 'beef')))
  expect(signatureOf(trace(1, '7f00'))).not.toBe(signatureOf(trace(1, '7f00').replace('run', 'walk')))
})

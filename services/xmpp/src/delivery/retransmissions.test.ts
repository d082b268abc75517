import { randomBytes } from 'node:crypto'
import { type Element, readElement } from '@sealpost/stanza'
import { expect, test } from 'vitest'
import { type Fate, Retransmissions } from './retransmissions.ts'

const SAFE: Fate = { done: true, refused: false, whenDone: (then) => then() }
const REFUSED: Fate = { done: true, refused: true, whenDone: (then) => then() }

const DELAY = `<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>`

function message(id: string, content: string, to = 'bob@localhost', from = 'ann@localhost/x'): Element {
  return readElement(`<message to='${to}' from='${from}' type='chat' id='${id}'>${content}</message>`)
}

function omemo(id: string, payload = randomBytes(300).toString('base64')): Element {
  return message(id, `<encrypted xmlns='urn:xmpp:omemo:2'><payload>${payload}</payload></encrypted>`)
}

test('what an earlier session sent is recognised, also with a delay and another full JID; each time once', () => {
  const all = new Retransmissions()
  const payload = randomBytes(300).toString('base64')
  const encrypted = `<encrypted xmlns='urn:xmpp:omemo:2'><payload>${payload}</payload></encrypted>`
  const first = all.of('phone')
  expect(first.recognise(message('m1', encrypted), true)).toBeUndefined()
  first.remember(message('m1', encrypted), true, SAFE)
  expect(first.recognise(message('m1', encrypted), true)).toBeUndefined() // within a session nothing is sent again
  const later = all.of('phone')
  const again = message('m1', encrypted + DELAY, undefined, 'ann@localhost/y')
  expect(later.recognise(again, true)).toBe(SAFE)
  expect(later.recognise(again, true)).toBeUndefined()
  expect(all.of('phone').recognise(again, true)).toBe(SAFE) // that session was lost too
  expect(all.of('tablet').recognise(again, true)).toBeUndefined()
})

test('an id that is used again for another message, or for somebody else, is another message', () => {
  const all = new Retransmissions()
  const body = (text: string) => `<body>${text}</body>`
  const originals = [
    message('1', body('x'.repeat(3000))),
    message('1', `<received xmlns='urn:xmpp:receipts' id='m1'/>`),
  ]
  for (const each of originals) all.of('phone').remember(each, false, SAFE)
  const secret = randomBytes(300).toString('base64')
  all.of('phone').remember(omemo('1', secret), true, SAFE)
  let history = all.of('phone')
  for (let place = 0; place < 3000; place += 7) {
    const text = `${'x'.repeat(place)}y${'x'.repeat(2999 - place)}`
    expect(history.recognise(message('1', body(text)), false)).toBeUndefined()
  }
  expect(
    history.recognise(message('1', `<received xmlns='urn:xmpp:receipts' id='m2'/>`), false),
  ).toBeUndefined()
  expect(history.recognise(message('1', body('x'.repeat(3000)), 'carla@localhost'), false)).toBeUndefined()
  const otr = (text: string) =>
    message(
      '1',
      `<body>?OTR:${text}.</body><encryption xmlns='urn:xmpp:eme:0' namespace='${'x'.repeat(200)}'/>`,
    )
  all.of('phone').remember(otr('AAAA'), true, SAFE)
  expect(all.of('phone').recognise(otr('AAAB'), true)).toBeUndefined()
  history = all.of('phone')
  for (let tries = 0; tries < 2000; tries++) expect(history.recognise(omemo('1'), true)).toBeUndefined()
  expect(history.recognise(omemo('1', secret), true)).toBe(SAFE)
})

test('what was refused is a new message', () => {
  const all = new Retransmissions()
  const refused = omemo('m1')
  all.of('phone').remember(refused, true, REFUSED)
  expect(all.of('phone').recognise(refused, true)).toBeUndefined()
  all.of('phone').remember(refused, true, SAFE) // and then it was taken
  expect(all.of('phone').recognise(refused, true)).toBe(SAFE)
})

test('of each device the last 512 are remembered, and of all together so many as there is room for', () => {
  const all = new Retransmissions(1024)
  const sent = Array.from({ length: 600 }, (_, index) => omemo(`m${index}`))
  for (const each of sent) all.of('phone').remember(each, true, SAFE)
  const found = sent.map((each) => all.of('phone').recognise(each, true))
  expect(found.slice(0, 88).every((fate) => fate === undefined)).toBe(true)
  expect(found.slice(88).every((fate) => fate === SAFE)).toBe(true)
  for (let device = 0; device < 100; device++) all.of(`device ${device}`).remember(omemo('x'), true, SAFE)
  expect(all.of('phone').recognise(sent[599] ?? omemo(''), true)).toBeUndefined()
  const last = omemo('last')
  all.of('device 99').remember(last, true, SAFE)
  expect(all.of('device 99').recognise(last, true)).toBe(SAFE)
})

/** Whatever a client makes of a message, a text that it leaves readable is refused or taken out. */
import { type Element, element, readElement, type XmlNode } from '@sealpost/stanza'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { axolotl, chat, legacyPgp, omemo, ox } from './_ciphertexts.ts'
import { classifyMessage, normaliseError } from './classify.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const CANARY = 'attack at dawn'

const pieces = [
  axolotl(),
  omemo(1),
  omemo(2),
  ox(),
  legacyPgp(),
  '<body>?OTR:AAMD.</body>',
  '<body>?OTRv3?</body>',
  '<body>[This message is encrypted]</body>',
  '<thread parent="t0">t1</thread>',
  `<request xmlns='urn:xmpp:receipts'/>`,
  `<displayed xmlns='urn:xmpp:chat-markers:0' id='m0'/>`,
  `<composing xmlns='http://jabber.org/protocol/chatstates'/>`,
  `<store xmlns='urn:xmpp:hints'/>`,
  `<private xmlns='urn:xmpp:carbons:2'/>`,
  `<origin-id xmlns='urn:xmpp:sid:0' id='o'/>`,
  `<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2' name='OMEMO'/>`,
  `<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z' from='romeo@localhost'/>`,
  `<expire xmlns='urn:sealpost:expire:0' seconds='60'/>`,
  `<propose xmlns='urn:xmpp:jingle-message:0' id='a'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>`,
  `<reject xmlns='urn:xmpp:jingle-message:0' id='a'><reason xmlns='urn:xmpp:jingle:1'><busy/></reason></reject>`,
  `<invite xmlns='urn:xmpp:call-invites:0' video='true'><jingle sid='s1' jid='romeo@montague.lit/phone'/></invite>`,
  `<x xmlns='jabber:x:conference' jid='room@conference.example' continue='true'/>`,
  `<x xmlns='http://jabber.org/protocol/muc#user'><invite to='juliet@capulet.lit'/></x>`,
  `<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`,
]
const attributeNames =
  'id type xml:lang note name namespace sid rid jid prekey kex stamp by seconds media video parent continue reason room {urn:x}y constructor xml:base'.split(
    ' ',
  )
const canary = fc.constantFrom(
  CANARY,
  `?OTR ${CANARY}`,
  `?OTRv3? ${CANARY}`,
  `${CANARY}?OTR:AAAA.`,
  `A\n${CANARY}`,
)

/** What may be done to one element, at any depth. */
type Edit = (target: Element) => Element
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(fc.constantFrom(...attributeNames), canary).map(
    ([name, text]): Edit =>
      (each) =>
        each.withAttrs({ [name]: text }),
  ),
  fc.tuple(fc.nat(9), canary).map(
    ([at, text]): Edit =>
      (each) =>
        each.withChildren(inserted(each.children, at, text)),
  ),
  canary.map(
    (text): Edit =>
      (each) =>
        each.withChildren([text]),
  ),
  fc
    .tuple(
      fc.nat(9),
      fc.constantFrom('body', 'subject', 'x', 'text', 'reason', 'payload', 'key'),
      fc.boolean(),
      canary,
    )
    .map(([at, name, own, text]): Edit => (each) => {
      const added = element(name, own ? each.ns : 'urn:x', {}, text)
      return each.withChildren(inserted(each.children, at, added))
    }),
  canary.map(
    (text): Edit =>
      (each) =>
        each.name === 'message' ? each : element(each.name, text, each.attrs, ...each.children),
  ),
)

function inserted(children: readonly XmlNode[], at: number, node: XmlNode): XmlNode[] {
  return children.toSpliced(at % (children.length + 1), 0, node)
}

/** Applies an edit to the element that a path leads to. */
function edited(target: Element, path: readonly number[], change: Edit): Element {
  const [next, ...rest] = path
  const elements = target.elements()
  if (next === undefined || elements.length === 0) return change(target)
  const chosen = elements[next % elements.length]
  return target.withChildren(
    target.children.map((child) =>
      child === chosen && typeof child !== 'string' ? edited(child, rest, change) : child,
    ),
  )
}

const message = fc
  .tuple(
    fc.array(fc.constantFrom(...pieces), { maxLength: 4 }),
    fc.array(fc.tuple(fc.array(fc.nat(9), { maxLength: 4 }), edit), { minLength: 1, maxLength: 3 }),
  )
  .map(([inner, edits]) =>
    edits.reduce((stanza, [path, change]) => edited(stanza, path, change), readElement(chat(inner.join('')))),
  )
  // As from a client: through the wire, with what it says between the tags.
  .map((stanza) => String(stanza))

it(`no planted text passes, and nothing throws (SEED=${String(seed)})`, { timeout: 30_000 }, () => {
  const classes = new Map<string, number>()
  let runs = 0
  fc.assert(
    fc.property(message, (xml) => {
      runs += 1
      const stanza = readElement(xml)
      const found = classifyMessage(stanza)
      classes.set(found.class, (classes.get(found.class) ?? 0) + 1)
      if (found.class !== 'plaintext') {
        expect(String(found.stanza), xml).not.toContain(CANARY)
        expect(readElement(String(found.stanza)).name).toBe('message')
        const again = classifyMessage(readElement(String(found.stanza)))
        expect([again.class, String(again.stanza)], xml).toEqual([found.class, String(found.stanza)])
      }
      expect(String(normaliseError(stanza)), xml).not.toContain(CANARY)
    }),
    { seed, numRuns: 1_000_000, interruptAfterTimeLimit: 3_000, markInterruptAsFailure: false },
  )
  if (runs < 10_000) return // a slow machine has not come so far
  for (const each of ['encrypted', 'receipt', 'call', 'ephemeral', 'plaintext'])
    expect(classes.get(each) ?? 0, each).toBeGreaterThan(20)
})

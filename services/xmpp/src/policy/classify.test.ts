/** The holes that encryption policies of other servers have, and the ones only a strict reading finds. */
import { readElement } from '@sealpost/stanza'
import { describe, expect, it } from 'vitest'
import { axolotl, chat, legacyPgp, omemo, openpgpVector, ox } from './_ciphertexts.ts'
import { classifyMessage, FALLBACK_BODY, normaliseError, withoutForged } from './classify.ts'

const fallback = `<body>${FALLBACK_BODY}</body>`

/** The class, and what is left between the tags of the message. */
function classified(inner: string, attrs = ''): [string, string] {
  const found = classifyMessage(readElement(chat(inner, attrs)))
  const text = String(found.stanza)
  return [found.class, text.replace(/^<message [^>]*?(?:\/>|>)/, '').replace(/<\/message>$/, '')]
}

const refused = (inner: string) => expect(classified(inner)[0]).toBe('plaintext')

describe('hole 1: plaintext beside ciphertext', () => {
  it('a body beside a dummy does not make the message encrypted', () => {
    refused(`<body>attack at dawn</body><encrypted xmlns='eu.siacs.conversations.axolotl'/>`)
    refused(`<body>attack at dawn</body><openpgp xmlns='urn:xmpp:openpgp:0'/>`)
    refused(`<body>attack at dawn</body><x xmlns='jabber:x:encrypted'/>`)
  })

  it('a body beside ciphertext is replaced, in all languages', () => {
    expect(classified(`<body>attack at dawn</body>${axolotl()}`)).toEqual(['encrypted', axolotl() + fallback])
    expect(classified(`<body>one</body><body xml:lang='de'>zwei</body>${axolotl()}`)).toEqual([
      'encrypted',
      axolotl() + fallback,
    ])
    expect(classified(`<body>${FALLBACK_BODY}<b>attack</b></body>${axolotl()}`)[1]).toBe(axolotl() + fallback)
    expect(classified(`<body xml:lang='en'>${FALLBACK_BODY}</body>${axolotl()}`)[1]).toBe(
      axolotl() + fallback,
    )
  })

  it('the fixed body stays where it is, byte for byte', () => {
    const inner = `${fallback}${axolotl()}<store xmlns='urn:xmpp:hints'/>`
    const stanza = readElement(chat(inner))
    expect(classifyMessage(stanza).stanza).toBe(stanza)
  })

  it('no body is added where there was none', () => {
    expect(classified(axolotl())).toEqual(['encrypted', axolotl()])
  })
})

describe('hole 2: content that is no body', () => {
  const contents = [
    '<subject>attack at dawn</subject>',
    `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>attack</body></html>`,
    `<x xmlns='jabber:x:oob'><url>https://example.org/attack</url></x>`,
    `<reference xmlns='urn:xmpp:reference:0' uri='attack'/>`,
    `<file-sharing xmlns='urn:xmpp:sfs:0'/>`,
    `<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>attack</reaction></reactions>`,
    `<replace xmlns='urn:xmpp:message-correct:0'/>`,
    `<replace xmlns='urn:xmpp:message-correct:0' id='attack at dawn'/>`,
    `<apply-to xmlns='urn:xmpp:fasten:0'/>`,
    `<nick xmlns='http://jabber.org/protocol/nick'>attack</nick>`,
    `<attention xmlns='urn:xmpp:attention:0'/>`,
    `<anything xmlns='urn:example'>attack</anything>`,
    `<anything xmlns='toString' says='attack'/>`,
    `<x xmlns='constructor'/>`,
    `<body xmlns='urn:x'>attack</body>`,
    'attack',
  ]

  it.each(contents)('%s alone is refused', (content) => refused(content))

  it.each(contents)('%s is dropped beside ciphertext', (content) => {
    expect(classified(content + axolotl())).toEqual(['encrypted', axolotl()])
  })

  it.each(contents)('%s is refused beside a control element', (content) => {
    refused(`${content}<received xmlns='urn:xmpp:receipts' id='m0'/>`)
    refused(`<active xmlns='http://jabber.org/protocol/chatstates'/>${content}`)
  })
})

describe('corrections and retractions (XEP-0308, XEP-0424)', () => {
  const edits = [
    `<replace xmlns='urn:xmpp:message-correct:0' id='m0'/>`,
    `<retract xmlns='urn:xmpp:message-retract:1' id='m0'/>`,
  ]

  it.each(edits)('%s beside ciphertext says which message it is about', (edit) => {
    expect(classified(edit + axolotl())).toEqual(['encrypted', edit + axolotl()])
  })

  it.each(edits)('%s by itself, beside a control element or text, is refused', (edit) => {
    refused(edit)
    refused(`${edit}<store xmlns='urn:xmpp:hints'/>`)
    refused(`<body>attack</body>${edit}`)
  })

  it('nothing that could be read passes with one', () => {
    const reason = `<retract xmlns='urn:xmpp:message-retract:1' id='m0' says='attack'><reason>attack</reason></retract>`
    expect(classified(reason + axolotl())).toEqual([
      'encrypted',
      `<retract xmlns='urn:xmpp:message-retract:1' id='m0'/>${axolotl()}`,
    ])
  })
})

describe('hole 4: OMEMO of every version', () => {
  it.each([axolotl(), omemo(1), omemo(2)])('%s', (xml) => {
    expect(classified(xml)).toEqual(['encrypted', xml])
  })
})

describe('hole 5: OTR', () => {
  it('a data message stays as it is, a query loses the text behind it', () => {
    expect(classified('<body>?OTR:AAMD.</body>')).toEqual(['encrypted', '<body>?OTR:AAMD.</body>'])
    expect(classified('<body>?OTRv3? attack at dawn</body>')).toEqual(['encrypted', '<body>?OTRv3?</body>'])
    expect(classified(`<body xml:lang='en'>?OTR:AAMD.</body>`)[1]).toBe('<body>?OTR:AAMD.</body>')
  })

  it('text that only begins like OTR is plaintext, and so is anything readable beside it', () => {
    refused('<body>?OTR hello in clear</body>')
    refused('<body>?OTR Error: attack</body>')
    refused('<body>?OTR:AAMD.</body><body>attack</body>')
    refused('<body>?OTR:AAMD.</body><subject>attack</subject>')
    expect(classified(`<body>?OTR:AAMD.</body><body xml:lang='de'>?OTR:AAMD.</body>`)[1]).toBe(
      '<body>?OTR:AAMD.</body>',
    )
  })

  it('beside another ciphertext, a body of OTR is a body', () => {
    expect(classified(`<body>?OTR:AAMD.</body>${axolotl()}`)[1]).toBe(axolotl() + fallback)
  })
})

describe('hole 6: OpenPGP is read', () => {
  it('what is encrypted passes', () => {
    expect(classified(ox())).toEqual(['encrypted', ox()])
    expect(classified(legacyPgp())).toEqual(['encrypted', legacyPgp()])
  })

  it('what is only wrapped or signed does not', () => {
    refused(ox(Buffer.from('attack at dawn').toString('base64')))
    refused(ox(openpgpVector('other/gpg-signed.txt')))
    refused(legacyPgp(openpgpVector('other/gpg-signed-compressed.txt')))
  })
})

describe('hole 7: a label proves nothing', () => {
  const label = (attrs: string) => `<encryption xmlns='urn:xmpp:eme:0' ${attrs}/>`

  it('EME beside a plaintext body', () => {
    refused(`<body>attack</body>${label(`namespace='urn:xmpp:omemo:2'`)}`)
  })

  it('EME keeps the names in use and no other', () => {
    const known = label(`namespace='eu.siacs.conversations.axolotl' name='OMEMO'`)
    expect(classified(axolotl() + known)[1]).toBe(axolotl() + known)
    const named = label(`namespace='eu.siacs.conversations.axolotl' name='attack at dawn'`)
    const bare = `<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/>`
    expect(classified(axolotl() + named)[1]).toBe(axolotl() + bare)
    expect(classified(axolotl() + label(`namespace='attack at dawn'`))[1]).toBe(axolotl())
  })
})

describe('hole 8: an address of a file beside OpenPGP', () => {
  it('is taken out of body and oob', () => {
    const url = 'https://example.org/attack.jpg'
    const inner = `<body>${url}</body><x xmlns='jabber:x:oob'><url>${url}</url></x>${legacyPgp()}`
    expect(classified(inner)).toEqual(['encrypted', legacyPgp() + fallback])
  })
})

describe('control messages', () => {
  it.each([
    ['receipt', `<request xmlns='urn:xmpp:receipts'/>`],
    ['receipt', `<received xmlns='urn:xmpp:receipts' id='m0'/>`],
    ['receipt', `<displayed xmlns='urn:xmpp:chat-markers:0' id='m0'/>`],
    ['receipt', `<x xmlns='jabber:x:conference' jid='room@conference.example'/>`],
    ['receipt', `<x xmlns='http://jabber.org/protocol/muc#user'><invite to='juliet@capulet.lit'/></x>`],
    ['ephemeral', `<composing xmlns='http://jabber.org/protocol/chatstates'/>`],
    [
      'ephemeral',
      `<thread>e0ffe42b28561960c6b12b944a092794b9683a38</thread><paused xmlns='http://jabber.org/protocol/chatstates'/>`,
    ],
    ['ephemeral', `<private xmlns='urn:xmpp:carbons:2'/><no-copy xmlns='urn:xmpp:hints'/>`],
    ['ephemeral', `<origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e546013'/>`],
    ['ephemeral', ''],
    [
      'call',
      `<propose xmlns='urn:xmpp:jingle-message:0' id='a73sjjvkla37jfea'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>`,
    ],
    [
      'call',
      `<proceed xmlns='urn:xmpp:jingle-message:0' id='a'><device xmlns='http://gultsch.de/xmpp/drafts/omemo/dlts-srtp-verification' id='27183'/></proceed>`,
    ],
    [
      'call',
      `<reject xmlns='urn:xmpp:jingle-message:0' id='a'><reason xmlns='urn:xmpp:jingle:1'><busy/></reason></reject>`,
    ],
    [
      'call',
      `<finish xmlns='urn:xmpp:jingle-message:0' id='a'><reason xmlns='urn:xmpp:jingle:1'><success/></reason><migrated to='b'/></finish>`,
    ],
    [
      'call',
      `<invite xmlns='urn:xmpp:call-invites:0' video='true'><jingle sid='s1' jid='romeo@montague.lit/phone'/></invite>`,
    ],
    ['call', `<retract xmlns='urn:xmpp:call-invites:0' id='a'/>`],
  ])('%s: %s passes as it is', (expected, inner) => {
    expect(classified(inner)).toEqual([expected, inner])
  })

  it.each([
    [
      'a reason',
      `<retract xmlns='urn:xmpp:jingle-message:0' id='a'><reason xmlns='urn:xmpp:jingle:1'><cancel/><text>attack</text></reason></retract>`,
    ],
    [
      'a file',
      `<propose xmlns='urn:xmpp:jingle-message:0' id='a'><description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>attack</name></file></description></propose>`,
    ],
    [
      'an invitation',
      `<x xmlns='jabber:x:conference' jid='room@conference.example' reason='attack' password='attack'/>`,
    ],
    [
      'a mediated invitation',
      `<x xmlns='http://jabber.org/protocol/muc#user'><invite to='a@b'><reason>attack</reason></invite><password>attack</password></x>`,
    ],
    ['an unknown attribute', `<received xmlns='urn:xmpp:receipts' id='m0' note='attack'/>`],
    ['a child', `<active xmlns='http://jabber.org/protocol/chatstates'><b>attack</b></active>`],
    ['text', `<no-store xmlns='urn:xmpp:hints'>attack</no-store>`],
    [
      'a media type',
      `<propose xmlns='urn:xmpp:jingle-message:0' id='a'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='attack'/></propose>`,
    ],
    ['the stamp of a delay', `<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'>attack</delay>`],
    ['a thread’s parent', `<thread parent='attack at dawn'>t1</thread>`],
  ])('free text in %s is dropped', (_what, inner) => {
    const [found, kept] = classified(inner)
    expect(found).not.toBe('plaintext')
    expect(kept).not.toContain('attack')
    expect(kept).not.toBe('')
  })

  it.each([
    ['a receipt for a sentence', `<received xmlns='urn:xmpp:receipts' id='attack at dawn'/>`],
    ['a receipt for nothing', `<received xmlns='urn:xmpp:receipts'/>`],
    ['an id that is too long', `<received xmlns='urn:xmpp:receipts' id='${'a'.repeat(129)}'/>`],
    ['an origin-id that is a sentence', `<origin-id xmlns='urn:xmpp:sid:0' id='attack at dawn'/>`],
    ['a state that is none', `<attacking xmlns='http://jabber.org/protocol/chatstates'/>`],
    ['a hint that is none', `<attack xmlns='urn:xmpp:hints'/>`],
    ['a thread that is a sentence', `<thread>attack at dawn</thread>`],
    ['a thread with an element', `<thread>t<b/></thread>`],
    [
      'an external call',
      `<invite xmlns='urn:xmpp:call-invites:0'><external uri='https://example.org/attack'/></invite>`,
    ],
    ['a room status', `<x xmlns='http://jabber.org/protocol/muc#user'><status code='100'/></x>`],
    [
      'a copy made by the client',
      `<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></received>`,
    ],
    ['an event made by the client', `<event xmlns='http://jabber.org/protocol/pubsub#event'/>`],
  ])('%s is refused', (_what, inner) => refused(inner))
})

describe('the message element itself', () => {
  const attributes = (attrs: string) =>
    classifyMessage(readElement(`<message from='a@b/c' to='d@b' ${attrs}>${axolotl()}</message>`))

  it('loses attributes that mean nothing, and texts in those that do', () => {
    const { attrs } = attributes(
      `note='attack' xml:lang='attack at dawn' type='attack at dawn' id='m1' xml:base='attack'`,
    ).stanza
    expect(attrs).toEqual({ from: 'a@b/c', to: 'd@b', id: 'm1' })
    expect(attributes(`xmlns:p='urn:attack' p:note='attack'`).stanza.attrs).toEqual({
      from: 'a@b/c',
      to: 'd@b',
    })
    expect(attributes(`xml:lang='de-CH' type='chat'`).stanza.attrs).toMatchObject({
      'xml:lang': 'de-CH',
      type: 'chat',
    })
  })

  it('is refused with an id that could be read, since it has to come back', () => {
    expect(attributes(`id='attack at dawn'`).class).toBe('plaintext')
    expect(attributes(`id='${'a'.repeat(129)}'`).class).toBe('plaintext')
    expect(attributes(`id='é'`).class).toBe('plaintext')
    expect(attributes(`id='${'a'.repeat(128)}'`).class).toBe('encrypted')
  })
})

describe('marks that only a server sets', () => {
  const stamp = `stamp='2002-09-10T23:08:25Z'`
  const genuine = [
    `<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>`,
    `<delay xmlns='urn:xmpp:delay' ${stamp}/>`,
    `<delay xmlns='urn:xmpp:delay' ${stamp} from='romeo@localhost'/>`,
    `<delay xmlns='urn:xmpp:delay' ${stamp} from='romeo@localhost/a'/>`,
  ]
  const forged = [
    `<stanza-id xmlns='urn:xmpp:sid:0' id='s1' by='juliet@localhost'/>`,
    `<stanza-id xmlns='urn:xmpp:sid:0' id='s1' by='elsewhere.example'/>`,
    `<delay xmlns='urn:xmpp:delay' ${stamp} from='localhost'/>`,
    `<delay xmlns='urn:xmpp:delay' ${stamp} from='juliet@localhost'/>`,
  ]

  it.each(genuine)('%s stays', (mark) => {
    expect(classified(axolotl() + mark)).toEqual(['encrypted', axolotl() + mark])
  })

  it.each(forged)('%s is taken out, whatever the class', (mark) => {
    expect(classified(axolotl() + mark)).toEqual(['encrypted', axolotl()])
    expect(classified(`${mark}<body>hello</body>`)).toEqual(['plaintext', '<body>hello</body>'])
    expect(String(withoutForged(readElement(chat(mark))))).not.toContain('stamp')
  })
})

describe('normaliseError', () => {
  it('keeps the condition and nothing that could be read', () => {
    const error =
      `<message type='error' id='m1' from='a@b/c' to='d@b/e' note='attack'><body>attack</body>` +
      `<error type='cancel' by='attack'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>attack</service-unavailable>` +
      `<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>attack</text><attack xmlns='urn:x'/></error></message>`
    expect(String(normaliseError(readElement(error)))).toBe(
      `<message type='error' id='m1' from='a@b/c' to='d@b/e'><error type='cancel'>` +
        `<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    )
  })

  it('drops a condition that is none, an id that could be read, and copes with no error at all', () => {
    const error = `<message type='error' id='attack at dawn'><error type='attack'><attack xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
    expect(String(normaliseError(readElement(error)))).toBe(`<message type='error'><error/></message>`)
    expect(String(normaliseError(readElement(`<message type='error'><body>a</body></message>`)))).toBe(
      `<message type='error'/>`,
    )
  })
})

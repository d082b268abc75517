import { readElement } from '@sealpost/stanza'
import { describe, expect, it } from 'vitest'
import { axolotl, legacyPgp, omemo, openpgpVector, ox } from './_ciphertexts.ts'
import { isCiphertext, otrBody } from './ciphertext.ts'

const accepted = (xml: string) => isCiphertext(readElement(xml))

describe('isCiphertext', () => {
  it.each([
    ['OMEMO 0.3', axolotl()],
    ['OMEMO 0.3, key transport', axolotl('')],
    ['OMEMO 0.3 with lines', axolotl(`\n <payload>\n  Zm9v\n  YmFy\n </payload>\n`)],
    ['OMEMO 0.3, long vector', axolotl().replace(/<iv>.*<\/iv>/, `<iv>${'A'.repeat(22)}==</iv>`)],
    ['OMEMO 0.7', omemo(1)],
    ['OMEMO 0.8', omemo(2)],
    ['OMEMO 0.8, key transport', omemo(2, '')],
    ['OX', ox()],
    ['OX for two', ox(openpgpVector('encrypted/js-v6-two.txt'))],
    ['XEP-0027', legacyPgp()],
    ['XEP-0027 with a checksum', legacyPgp(`${openpgpVector('encrypted/gpg-ecdh.txt')}\n=AAAA`)],
  ])('%s is', (_what, xml) => {
    expect(accepted(xml)).toBe(true)
  })

  const payload = (text: string) => axolotl(`<payload>${text}</payload>`)
  it.each([
    ['a label', `<encrypted xmlns='eu.siacs.conversations.axolotl'/>`],
    [
      'a payload alone',
      `<encrypted xmlns='eu.siacs.conversations.axolotl'><payload>Zm9v</payload></encrypted>`,
    ],
    ['a header without keys', axolotl().replaceAll(/<key .*<\/key>/g, '')],
    ['a header without vector', axolotl().replace(/<iv>.*<\/iv>/, '')],
    ['two vectors', axolotl().replace(/<iv>.*<\/iv>/, '$&$&')],
    ['a vector of another length', axolotl().replace(/<iv>.*<\/iv>/, '<iv>AAAA</iv>')],
    ['two headers', axolotl().replace(/<header.*<\/header>/, '$&$&')],
    ['two payloads', axolotl('<payload>Zm9v</payload><payload>Zm9v</payload>')],
    ['text as payload', payload('attack at dawn')],
    ['words that would be Base64 without their spaces', payload('attack at dawn tomorrow!'.replace('!', ''))],
    ['an empty payload', payload('')],
    ['Base64 without padding', payload('Zm9vYg')],
    ['Base64 of the URL alphabet', payload('Zm9-_w==')],
    ['an element inside a payload', payload('Zm9v<b/>')],
    ['text beside the payload', axolotl('attack at dawn')],
    ['text inside the header', axolotl().replace("<header sid='27183'>", '$&attack')],
    ['a foreign element beside the payload', axolotl(`<body xmlns='jabber:client'>attack</body>`)],
    ['a foreign element inside the header', axolotl().replace('<iv>', `<x xmlns='urn:x'/><iv>`)],
    ['a device id that is none', axolotl().replace(`rid='31415'`, `rid='attack'`)],
    ['the device id 0', axolotl().replace(`sid='27183'`, `sid='0'`)],
    ['a device id beyond 31 bits', axolotl().replace(`sid='27183'`, `sid='2147483648'`)],
    ['no device id', axolotl().replace(` sid='27183'`, '')],
    ['a key too short to be one', axolotl().replace(/>q+</, '>qqqq<')],
    ['an attribute on the element', axolotl(undefined, ` note='attack at dawn'`)],
    ['an attribute on the header', axolotl().replace('<header', `<header note='attack'`)],
    ['an attribute on a key', axolotl().replace('<key', `<key note='attack'`)],
    ['an attribute with text on a key', axolotl().replace(`prekey='true'`, `prekey='attack'`)],
    ['an attribute on the vector', axolotl().replace('<iv', `<iv note='attack'`)],
    ['an attribute on the payload', axolotl(`<payload note='attack'>Zm9v</payload>`)],
    [
      'OMEMO 0.8 in the shape of 0.3',
      axolotl().replace('eu.siacs.conversations.axolotl', 'urn:xmpp:omemo:2'),
    ],
    ['OMEMO 0.3 in the shape of 0.8', omemo(2).replace('urn:xmpp:omemo:2', 'eu.siacs.conversations.axolotl')],
    ['OMEMO 0.8 without keys', omemo(2).replaceAll(/<key .*?<\/key>/g, '')],
    ['keys for nobody', omemo(2).replace(` jid='juliet@capulet.lit'`, '')],
    ['keys for a sentence', omemo(2).replace('juliet@capulet.lit', 'juliet@capulet.lit/attack at dawn')],
    ['text among the keys', omemo(2).replace('</keys>', 'attack</keys>')],
    ['a version of OMEMO that is none', omemo(2).replace('urn:xmpp:omemo:2', 'urn:xmpp:omemo:3')],
    ['another element of OMEMO', axolotl().replaceAll('encrypted', 'encrypte')],
    ['empty OX', ox('')],
    ['OX of Base64 text', ox(Buffer.from('hello').toString('base64'))],
    ['OX signed only', ox(openpgpVector('other/gpg-signed.txt'))],
    ['OX of a literal packet', ox(openpgpVector('other/gpg-literal.txt'))],
    ['OX compressed', ox(openpgpVector('other/gpg-compressed.txt'))],
    ['OX with a literal packet behind', ox(openpgpVector('other/trailing-literal.txt'))],
    ['OX of a certificate', ox(openpgpVector('other/gpg-certificate.txt'))],
    ['OX without integrity protection', ox(openpgpVector('other/no-integrity.txt'))],
    ['OX with an attribute', ox().replace('<openpgp', `<openpgp note='attack'`)],
    ['OX with a child', ox().replace('</openpgp>', '<b/></openpgp>')],
    ['XEP-0027 signed only', legacyPgp(openpgpVector('other/gpg-signed.txt'))],
    [
      'XEP-0027 with armor headers',
      legacyPgp(`Comment: attack at dawn\n\n${openpgpVector('encrypted/gpg-ecdh.txt')}`),
    ],
    ['a signature of XEP-0027', legacyPgp().replace('jabber:x:encrypted', 'jabber:x:signed')],
  ])('%s is not', (_what, xml) => {
    expect(accepted(xml)).toBe(false)
  })
})

describe('otrBody', () => {
  it.each([
    ['?OTR?', '?OTR?'],
    ['?OTRv2?', '?OTRv2?'],
    ['?OTRv23?', '?OTRv23?'],
    ['?OTR?v2?', '?OTR?v2?'],
    ['?OTR?v23?\nThis is a request', '?OTR?v23?'],
    ['?OTRv3? Romeo has asked for a private conversation', '?OTRv3?'],
    ['?OTR:AAMDJ+MVmSfjFZcAAAAAAQ==.', '?OTR:AAMDJ+MVmSfjFZcAAAAAAQ==.'],
    ['?OTR,1,3,?OTR:AAEK,', '?OTR,1,3,?OTR:AAEK,'],
    [
      '?OTR|5a73a599|27e31597,00001,00003,?OTR:AAMDJ+MVmSfj,',
      '?OTR|5a73a599|27e31597,00001,00003,?OTR:AAMDJ+MVmSfj,',
    ],
  ])('takes %j', (body, kept) => {
    expect(otrBody(body)).toBe(kept)
  })

  it.each([
    '?OTR',
    '?OTR hello in clear',
    '?OTR Error: attack at dawn',
    '?OTR:attack at dawn.',
    '?OTR:AAMD. attack',
    '?OTR:AAM.',
    '?OTR:AAMD',
    '?OTR,1,3,attack at dawn,',
    '?OTR|attack|5a73a599,1,2,AAAA,',
    '?OTR||,1,2,AAAA,',
    '?OTRvattack?',
    'x?OTR?',
    '',
  ])('refuses %j', (body) => {
    expect(otrBody(body)).toBeUndefined()
  })

  it('decides the longest bodies in linear time', () => {
    for (const body of [
      '?OTR:' + 'A'.repeat(260_000),
      '?OTRv' + '1'.repeat(260_000),
      '?OTR,1,2,' + ','.repeat(260_000),
    ]) {
      const started = performance.now()
      expect(otrBody(body)).toBeUndefined()
      expect(performance.now() - started).toBeLessThan(5_000)
    }
  })
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { leastMs } from '../../../../test/least-ms.ts'
import { SmtpReply } from '../smtp-reply.ts'
import { parseCommand, parseMail, parseRecipient } from './command.ts'
import { readProxyHeader } from './proxy-header.ts'

const CONTEXT = { sizeMax: 1_000, requireTls: true, auth: true }
const POSTMASTER = { smtpUtf8: false, postmaster: { local: 'postmaster', domain: 'localhost' } }

describe('arguments of MAIL and RCPT', () => {
  const piece = fc.constantFrom(
    'FROM:',
    'TO:',
    '<',
    '>',
    '@',
    'a',
    'b.example',
    '"',
    '\\',
    ' ',
    ':',
    ',',
    'SIZE=1',
    'ORCPT=rfc822;',
    '+41',
    '=',
    'ü',
  )

  test('whatever comes is an envelope or a refusal', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('')
        const mail = parseMail(`FROM:${text}`, CONTEXT)
        const recipient = parseRecipient(`TO:${text}`, POSTMASTER)
        for (const each of [mail, recipient])
          if (each instanceof SmtpReply) expect(String(each.responseCode)).toMatch(/^5\d\d$/)
        if (!(recipient instanceof SmtpReply)) expect(recipient.address.domain).not.toMatch(/[<>\s@]/)
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    '"'.repeat(4_000),
    `<${'"\\'.repeat(2_000)}`,
    `<a@b.example> ${'A=1 '.repeat(1_000)}`,
    `<@${'a'.repeat(4_000)}`,
  ])('hostile lines are read in linear time', (text) => {
    const took = leastMs(() => {
      parseMail(`FROM:${text}`, CONTEXT)
      parseCommand(text)
    })
    expect(took).toBeLessThan(1_000)
  })
})

test('whatever a proxy sends is a header, the beginning of one, or malformed', () => {
  const begin = fc.constantFrom(
    'PROXY TCP4 ',
    'PROXY ',
    '\r\n\r\n\0\r\nQUIT\n',
    '\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c',
    '',
  )
  fc.assert(
    fc.property(begin, fc.uint8Array({ maxLength: 300 }), (start, bytes) => {
      const header = readProxyHeader(Buffer.concat([Buffer.from(start, 'latin1'), bytes]))
      expect(['header', 'incomplete', 'malformed']).toContain(header.result)
      if (header.result === 'header') expect(header.length).toBeLessThanOrEqual(start.length + bytes.length)
    }),
    { numRuns: 2_000 },
  )
})

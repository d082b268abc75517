import { describe, expect, test } from 'vitest'
import { MailHeader } from './mail-header.ts'

const MAIL =
  'Received: from a\r\n\tby b\r\nFrom: Ann <ann@example.org>\r\nX-Odd : \xfc\r\nreceived: again\r\n\r\n'

function parse(text: string): MailHeader {
  const header = MailHeader.parse(Buffer.from(text, 'latin1'))
  if (header === undefined) throw new Error('not a header')
  return header
}

describe('a header section (RFC 5322 §2.2)', () => {
  test('what nobody touches keeps every byte', () => {
    expect(parse(MAIL).toBuffer().toString('latin1')).toBe(MAIL)
  })

  test('values are unfolded, found by name in any case, and told in order', () => {
    expect(parse(MAIL).values('RECEIVED')).toEqual(['from a\tby b', 'again'])
    expect(parse(MAIL).value('subject')).toBeUndefined()
  })

  test('fields are put in front, behind, in place and away', () => {
    const header = parse(MAIL)
    expect(header.remove('received')).toBe(2)
    header.prepend('Received', 'by c;\r\n\ttoday')
    header.append('Subject', 'one')
    header.append('Subject', 'two')
    header.replace('Subject', '...')
    header.replace('Date', 'now')
    expect(header.toBuffer().toString('latin1')).toBe(
      'Received: by c;\r\n\ttoday\r\nFrom: Ann <ann@example.org>\r\nX-Odd : \xfc\r\nSubject: ...\r\nDate: now\r\n\r\n',
    )
  })

  test.each(['x\r\nBcc: eve@example.org', 'x\nBcc: eve', 'x\rBcc: eve', 'x\0', 'x\r\n'])(
    'a value cannot become another field: %j',
    (value) => {
      expect(() => parse(MAIL).prepend('Subject', value)).toThrow(TypeError)
    },
  )

  test('an empty section, with and without its closing line, has no field', () => {
    expect(parse('').fields).toEqual([])
    expect(parse('\r\n').fields).toEqual([])
    expect(parse('\r\n \r\n').fields).toEqual([])
    expect(MailHeader.empty().toBuffer().toString()).toBe('\r\n')
  })

  test.each(['From ann@example.org\r\n\r\n', ' folded: first\r\n\r\n', ': nameless\r\n\r\n', 'no colon'])(
    'what is no field is told apart: %j',
    (text) => {
      expect(MailHeader.parse(Buffer.from(text))).toBeUndefined()
    },
  )
})

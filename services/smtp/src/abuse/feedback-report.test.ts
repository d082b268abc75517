import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MailHeader } from '@sealpost/mail'
import { feedbackType, isFeedbackReport } from './feedback-report.ts'

/** After RFC 5965 appendix B. */
const report = (type: string): string =>
  [
    '--part1',
    'Content-Type: text/plain; charset="US-ASCII"',
    '',
    'This is an email abuse report. Feedback-Type: none of this',
    '',
    '--part1',
    'Content-Type: message/feedback-report',
    'Content-Disposition: inline',
    '',
    `Feedback-Type: ${type}`,
    'User-Agent: SomeGenerator/1.0',
    'Version: 1',
    '',
    '--part1',
    'Content-Type: message/rfc822',
    '',
    'From: <somespammer@example.net>',
    '',
    'Feedback-Type: virus',
    '--part1--',
    '',
  ].join('\r\n')

test.each([
  ['abuse', 'abuse'],
  ['Fraud', 'fraud'],
  ['not-spam', 'not-spam'],
  ['x-unheard-of', 'other'],
])('a report of type %s counts as %s (RFC 5965 §3.1)', (type, counted) => {
  expect(feedbackType(report(type))).toBe(counted)
})

test('what has no part with a report, or a broken one, is none', () => {
  expect(feedbackType(report('abuse').replace('message/feedback-report', 'text/plain'))).toBeUndefined()
  expect(feedbackType(report('abuse').replace('Feedback-Type: abuse', 'nonsense'))).toBeUndefined()
  expect(feedbackType('')).toBeUndefined()
})

test.each([
  ['multipart/report; report-type=feedback-report; boundary="part1"', true],
  ['Multipart/Report; boundary=x; REPORT-TYPE="feedback-report"', true],
  ['multipart/report; report-type=delivery-status; boundary=x', false],
  ['text/plain; report-type=feedback-report', false],
])('%s: %s', (type, expected) => {
  const header = MailHeader.parse(Buffer.from(`Content-Type: ${type}\r\n\r\n`))
  expect(header && isFeedbackReport(header)).toBe(expected)
})

test('no body makes it throw or dawdle', () => {
  const before = performance.now()
  feedbackType('content-type: message/feedback-report\r\n'.repeat(1_600))
  feedbackType(`content-type: message/feedback-report\r\n\r\n${'\r\n'.repeat(30_000)}`)
  expect(performance.now() - before).toBeLessThan(5_000)
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (body) => void feedbackType(report(body))))
})

import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { MailHeader } from '../mail-header.ts'
import { type ReportMail, writeReportMail } from './report-mail.ts'

const report = (kind: ReportMail['kind']): ReportMail => ({
  kind,
  domain: 'example.com',
  submitter: 'example.org',
  id: 'x.example.com@example.org',
  from: { local: `${kind}-reports`, domain: 'example.org' },
  to: { local: 'rua', domain: 'example.com' },
  date: Date.UTC(2030, 0, 2, 3),
  begin: Date.UTC(2030, 0, 1),
  end: Date.UTC(2030, 0, 2) - 1000,
  uniqueId: 'abc',
  boundary: 'b',
  gzip: gzipSync(Buffer.alloc(300, 'x')),
})

test.each([
  ['tls', 'multipart/report; report-type="tlsrpt";', 'application/tlsrpt+gzip', 'json.gz'],
  ['dmarc', 'multipart/mixed;', 'application/gzip', 'xml.gz'],
] as const)('a report by mail: %s', (kind, type, part, extension) => {
  const { header, body } = writeReportMail(report(kind))
  const fields = MailHeader.parse(header)
  expect(fields?.value('subject')?.replaceAll('\t', ' ')).toBe(
    'Report Domain: example.com Submitter: example.org Report-ID: <x.example.com@example.org>',
  )
  expect(fields?.value('content-type')).toContain(type)
  expect(fields?.value('tls-report-domain')).toBe(kind === 'tls' ? 'example.com' : undefined)
  expect(fields?.value('tls-report-submitter')).toBe(kind === 'tls' ? 'example.org' : undefined)
  const text = body.toString()
  expect(text).toContain(`Content-Type: ${part}\r\n`)
  expect(text).toContain(`filename="example.org!example.com!1893456000!1893542399!abc.${extension}"`)
  const [, encoded = ''] = /abc\.\w+\.gz"\r\n\r\n([^-]+)--b--\r\n$/.exec(text) ?? []
  expect(gunzipSync(Buffer.from(encoded, 'base64')).toString()).toBe('x'.repeat(300))
  expect(text.split('\r\n').every((line) => line.length <= 120)).toBe(true)
})

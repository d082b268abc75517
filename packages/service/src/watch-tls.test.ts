import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { createLog } from '@sealpost/log'
import { VirtualClock, systemClock } from '@sealpost/runtime'
import type { Clock } from '@sealpost/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeCertificate } from '../../http/test/_certificate.ts'
import { watchTls } from './index.ts'

let directory: string
let lines: string[]
let files: readonly [cert: string, key: string]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sealpost-tls-'))
  files = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  lines = []
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

function write({ cert, key }: { cert: string; key: string }): void {
  writeFileSync(files[0], cert)
  writeFileSync(files[1], key)
}

function open(clock: Clock) {
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString())
      done()
    },
  })
  return watchTls(...files, { log: createLog({ level: 'info', destination }), clock })
}

/** The time between two polls; on a virtual clock, notifications of the file system wait for it too. */
const POLL_MS = 60_000

test('a renewed pair is taken up by notification, replaced in place or renamed over', async () => {
  write(makeCertificate('one.test'))
  using tls = open(systemClock)
  for (const how of ['in place', 'renamed']) {
    const next = makeCertificate('two.test')
    const changed = new Promise<void>((resolve) => {
      const listening = tls.onChange(() => {
        listening[Symbol.dispose]()
        resolve()
      })
    })
    if (how === 'in place') write(next)
    else {
      for (const [index, text] of [next.cert, next.key].entries()) {
        const target = files[index] ?? ''
        writeFileSync(`${target}.new`, text)
        renameSync(`${target}.new`, target)
      }
    }
    await changed
    expect(tls.current()).toEqual({ cert: next.cert, key: next.key })
  }
  expect(lines.filter((line) => line.includes('tls_reloaded'))).toHaveLength(2)
})

test('the poll finds what no notification told', async () => {
  write(makeCertificate('one.test'))
  const clock = new VirtualClock(Date.now())
  using tls = open(clock)
  const next = makeCertificate('two.test')
  write(next)
  await clock.advance(POLL_MS)
  expect(tls.current().cert).toBe(next.cert)
})

test.each([
  [
    'a key that does not match',
    'TLS_MISMATCH',
    () => ({ ...makeCertificate('a.test'), key: makeCertificate('b.test').key }),
  ],
  ['no PEM', 'TLS_MALFORMED', () => ({ cert: 'not a certificate', key: 'not a key' })],
  ['an expired certificate', 'TLS_EXPIRED', () => makeCertificate('a.test', Date.now() - 7_200_000)],
])('%s leaves the old pair in force and is told once', async (_what, code, bad) => {
  const good = makeCertificate('one.test')
  write(good)
  const clock = new VirtualClock(Date.now())
  using tls = open(clock)
  tls.onChange(() => expect.unreachable('nothing changed'))
  write(bad())
  await clock.advance(3 * POLL_MS)
  expect(tls.current().cert).toBe(good.cert)
  const refusals = lines.filter((line) => line.includes('tls_reload_refused'))
  expect(refusals).toHaveLength(1)
  expect(refusals[0]).toContain(code)
  expect(lines.join('')).not.toContain('CERTIFICATE')
})

test('files that vanish and come back', async () => {
  write(makeCertificate('one.test'))
  const clock = new VirtualClock(Date.now())
  using tls = open(clock)
  copyFileSync(files[0], join(directory, 'kept.pem'))
  rmSync(files[0])
  await clock.advance(POLL_MS)
  expect(lines.join('')).toContain('TLS_UNREADABLE')
  const next = makeCertificate('two.test')
  write(next)
  await clock.advance(POLL_MS)
  expect(tls.current().cert).toBe(next.cert)
})

test('no usable pair to begin with is an error', () => {
  expect(() => open(systemClock)).toThrow(expect.objectContaining({ code: 'TLS_UNREADABLE' }) as Error)
  write({ cert: 'x', key: 'y' })
  expect(() => open(systemClock)).toThrow(expect.objectContaining({ code: 'TLS_MALFORMED' }) as Error)
})

test('a certificate that has expired is told once, whether at the start or while it is in force', async () => {
  write(makeCertificate('one.test', Date.now() - 7_200_000))
  const clock = new VirtualClock(Date.now())
  using tls = open(clock)
  const told = (): number => lines.filter((line) => line.includes('tls_expired')).length
  expect(told()).toBe(1)
  const next = makeCertificate('two.test')
  write(next)
  await clock.advance(3 * POLL_MS)
  expect(tls.current().cert).toBe(next.cert)
  expect(told()).toBe(1)
  await clock.advance(120 * POLL_MS)
  expect(told()).toBe(2)
})

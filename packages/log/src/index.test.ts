import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLog } from './index.ts'
import type { Log, LogFields } from './index.ts'

function capture(level = 'debug'): { log: Log; lines: () => Record<string, unknown>[]; text: () => string } {
  const chunks: string[] = []
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString())
      done()
    },
  })
  const text = (): string => chunks.join('')
  return {
    log: createLog({ level, destination }),
    text,
    lines: () =>
      text()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

test('a line is an event with fields, without host name and process id', () => {
  const { log, lines } = capture()
  log.info('queue_expired', { count: 3, ms: 1.5 })
  const [line] = lines()
  expect(line).toEqual({
    level: 'info',
    time: expect.any(String) as string,
    event: 'queue_expired',
    count: 3,
    ms: 1.5,
  })
})

test('unknown fields and values that are no words are dropped at run time', () => {
  const { log, lines, text } = capture()
  const hostile: unknown = {
    jid: 'canary@example.com',
    err: new Error('canary'),
    code: 'canary@example.com',
    state: 'two words',
    count: 'canary',
    ms: Number.NaN,
    stream: 'x'.repeat(65),
  }
  log.error('failed', hostile as LogFields)
  log.warn('canary@example.com')
  expect(lines()[0]).toEqual({
    level: 'error',
    time: expect.any(String) as string,
    event: 'failed',
    code: 'invalid',
    state: 'invalid',
    stream: 'invalid',
  })
  expect(text()).not.toContain('canary')
})

test('children inherit fields; levels filter', () => {
  const { log, lines } = capture('info')
  const child = log.child({ service: 'xmpp' }).child({ module: 'carbons' })
  child.debug('dropped')
  child.info('kept', { module: 'sm' })
  expect(lines()).toMatchObject([{ event: 'kept', service: 'xmpp', module: 'sm' }])
})

test('lines that somebody may have to look at are counted, also those of children and those that are not written', () => {
  const heard: string[] = []
  const destination = new Writable({ write: (_chunk, _encoding, done) => done() })
  const log = createLog({ level: 'silent', destination, onLine: (level) => heard.push(level) })
  log.info('fine')
  log.warn('odd')
  log.child({ module: 'carbons' }).error('broken')
  expect(heard).toEqual(['warn', 'error'])
})

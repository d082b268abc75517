import { systemClock } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { Statements } from './statements.ts'

test('no line of a statement begins with a dash: signing would escape it (RFC 9580 §7.2)', () => {
  const nobody = undefined as never // Writing asks nobody.
  const statements = new Statements({
    directory: nobody,
    worker: nobody,
    links: nobody,
    clock: systemClock,
    server: 'example.org',
    key: Buffer.alloc(32, 1),
  })
  const written = Array.from({ length: 1_000 }, (_, index) =>
    statements.write({ action: 'delete', fingerprint: index.toString(16).toUpperCase().padStart(40, '0') }),
  )
  expect(written.filter((text) => /^-/m.test(text))).toEqual([])
})

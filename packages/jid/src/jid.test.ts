import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leastMs } from '../../../test/least-ms.ts'
import { isBare, JID_PART_BYTES_MAX, JidError, parseJid } from './index.ts'

function vectors(name: string): [string, string][] {
  const file = new URL(`../../../test/vectors/jid/${name}.txt`, import.meta.url)
  const unescape = (text: string): string =>
    text.replaceAll(/\\u\{([0-9a-f]+)\}/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [text = '', outcome = ''] = line.split('\t')
      return [unescape(text), outcome === '=' ? unescape(text) : unescape(outcome)]
    })
}

const valid = vectors('valid')
const invalid = vectors('invalid')

function problem(text: string): JidError {
  try {
    parseJid(text)
  } catch (error) {
    if (error instanceof JidError) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('parseJid', () => {
  it.each(valid)('reads %j as %j', (text, canonical) => {
    expect(parseJid(text).toString()).toBe(canonical)
    expect(parseJid(canonical).toString()).toBe(canonical)
  })

  it.each(invalid)('refuses %j for its %s', (text, part) => {
    expect(problem(text).part).toBe(part)
  })

  it('divides at the first slash, then at the first @ (RFC 7622 §3.1)', () => {
    expect(parseJid('a@b.example/c@d/e')).toMatchObject({
      local: 'a',
      domain: 'b.example',
      resource: 'c@d/e',
    })
    expect(parseJid('b.example/c@d')).toMatchObject({ local: '', domain: 'b.example', resource: 'c@d' })
  })

  it('holds each part to 1023 bytes', () => {
    const label = `${'d'.repeat(63)}.`
    const domain = label.repeat(16).slice(0, -1)
    const most = `${'l'.repeat(1023)}@${domain}/${'r'.repeat(1023)}`
    expect(Buffer.byteLength(domain)).toBe(JID_PART_BYTES_MAX)
    expect(parseJid(most).toString()).toBe(most)
    expect(problem(`${'l'.repeat(1024)}@x`).part).toBe('localpart')
    expect(problem(`${'é'.repeat(512)}@x`).part).toBe('localpart')
    expect(problem(`${domain}.x`).part).toBe('domainpart')
    expect(problem(`x/${'r'.repeat(1024)}`).part).toBe('resourcepart')
    expect(problem(`x/${'é'.repeat(512)}`).part).toBe('resourcepart')
    expect(problem('x'.repeat(1_000_000)).part).toBe('jid')
  })

  it('never repeats the text in its error', () => {
    const error = problem('canary-4711"@example.com')
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain('canary')
    expect(error.code).toBe('JID_MALFORMED')
  })

  it('takes bounded time for the costliest texts of full length', () => {
    for (const piece of [
      'é',
      '\u0660',
      '\u30fb',
      '\u0915\u094d\u200d',
      '\u0628\u200c',
      'ü.',
      'xn--a.',
      '\u1e9b\u0323',
    ]) {
      const text = piece.repeat(3060 / piece.length)
      const took = leastMs(() => {
        for (const prefix of ['', 'x@', 'x@y/']) {
          try {
            parseJid(prefix + text)
          } catch (error) {
            expect(error).toBeInstanceOf(JidError)
          }
        }
      })
      expect(took).toBeLessThan(1_000)
    }
  })
})

describe('Jid', () => {
  const full = parseJid('Juliet@Example.com/Balcony')

  it('knows its bare address and makes it once', () => {
    expect(full.bare.toString()).toBe('juliet@example.com')
    expect(full.bare).toBe(full.bare)
    expect(full.bare.bare).toBe(full.bare)
    expect([isBare(full), isBare(full.bare)]).toEqual([false, true])
  })

  it('is equal by parts', () => {
    expect(full.equals(parseJid('juliet@example.com/Balcony'))).toBe(true)
    expect(full.equals(parseJid('juliet@example.com/balcony'))).toBe(false)
    expect(full.equals(full.bare)).toBe(false)
    expect(full.bare.equals(parseJid('JULIET@example.com'))).toBe(true)
  })

  it('takes another resource, prepared like any', () => {
    expect(full.withResource('e\u0301').toString()).toBe('juliet@example.com/é')
    expect(full.withResource('x').bare).toBe(full.bare)
    for (const resource of ['', 'a\nb', 'r'.repeat(1024), 'r'.repeat(1_000_000)]) {
      expect(() => full.withResource(resource)).toThrow(JidError)
    }
  })
})

describe('parseJid under fuzzing', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  const characters = Array.from(
    valid
      .concat(invalid)
      .flatMap(([text]) => Array.from(text))
      .concat(Array.from('@@@///...[]:')),
  )
  const arbitrary = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.array(fc.constantFrom(...characters), { maxLength: 24 }).map((parts) => parts.join('')),
    fc
      .tuple(
        fc.constantFrom(...valid.map(([text]) => text)),
        fc.nat(40),
        fc.nat(3),
        fc.constantFrom(...characters),
      )
      .map(([text, at, cut, character]) => text.slice(0, at) + character + text.slice(at + cut)),
    fc.string({
      unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      maxLength: 12,
    }),
  )

  it(`throws nothing but JidError and settles at once (SEED=${String(seed)})`, () => {
    let [runs, accepted] = [0, 0]
    fc.assert(
      fc.property(arbitrary, (text) => {
        runs += 1
        let jid
        try {
          jid = parseJid(text)
        } catch (error) {
          expect(error).toBeInstanceOf(JidError)
          return
        }
        accepted += 1
        const again = parseJid(jid.toString())
        expect(again.toString()).toBe(jid.toString())
        expect(again.equals(jid)).toBe(true)
        for (const part of [jid.local, jid.domain, jid.resource]) {
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(JID_PART_BYTES_MAX)
          expect(part.isWellFormed()).toBe(true)
        }
      }),
      { seed, numRuns: 200_000, interruptAfterTimeLimit: 3000, markInterruptAsFailure: false },
    )
    if (runs >= 10_000) expect(accepted).toBeGreaterThan(100) // a slow machine has not come so far
  })
})

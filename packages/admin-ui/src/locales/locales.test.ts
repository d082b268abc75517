import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import en from './en.json' with { type: 'json' }
import fr from './fr.json' with { type: 'json' }

const SOURCES = join(import.meta.dirname, '..')

interface Texts {
  readonly [key: string]: string | Texts
}

/** Every text by its whole key; the forms of a plural are one. */
function keysOf(texts: Texts, prefix = ''): string[] {
  const keys = Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'string'
      ? [prefix + key.replace(/_(one|other|many)$/, '')]
      : keysOf(value, `${prefix}${key}.`),
  )
  return [...new Set(keys)].sort()
}

function textsOf(texts: Texts): string[] {
  return Object.values(texts).flatMap((value) => (typeof value === 'string' ? [value] : textsOf(value)))
}

test('English and French say the same things, and none of them nothing', () => {
  expect(keysOf(fr)).toEqual(keysOf(en))
  expect([...textsOf(en), ...textsOf(fr)].filter((text) => text.trim() === '')).toEqual([])
})

test('a text takes the same values in both languages', () => {
  const values = (text: string) => (text.match(/\{\{\w+\}\}/g) ?? []).sort().join()
  const french = flatten(fr)
  const pairs = Object.entries(flatten(en)).map(([key, text]) => [key, text, french[key] ?? ''] as const)
  expect(pairs.filter(([, one, other]) => values(one) !== values(other))).toEqual([])
})

function flatten(texts: Texts, prefix = ''): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([key, value]) =>
      typeof value === 'string'
        ? [[prefix + key, value]]
        : Object.entries(flatten(value, `${prefix}${key}.`)),
    ),
  )
}

/** Met by programs, by whoever follows a link of a mail, or by nobody who uses the panel. */
const NOT_IN_PANEL = [
  'action-missing',
  'address-unusable',
  'approval-header-malformed',
  'event-malformed',
  'frames-malformed',
  'head-incomplete',
  'idempotency-done',
  'idempotency-key-malformed',
  'idempotency-key-reused',
  'json-too-deep',
  'key-missing',
  'key-refused',
  'key-too-wide',
  'network-refused',
  'no-address',
  'not-cosigned',
  'not-logged',
  'own-password-needed',
  'probe-time',
  'proof-missing',
  'reason-header-malformed',
  'referral-gone',
  'referral-taken',
  'referral-unknown',
  'secret-missing',
  'subprotocol-missing',
  'token-old',
  'unauthorized',
  'upload-length',
  'upload-range',
  'verifiers-incomplete',
  'webhook-headers',
  'webhook-signature',
  'webhook-timestamp',
]
const PROBLEMS = [/new HttpProblem\(\s*\d+,\s*'([a-z-]+)'/g, /\[\d{3}, '([a-z-]+)'\]/g]

test('every problem that the panel may meet is said in the language of its reader', async () => {
  const root = join(SOURCES, '../../..')
  const types = new Set<string>()
  for await (const path of glob('{services,packages}/*/src/**/*.ts', {
    cwd: root,
    exclude: ['**/*.test.ts'],
  }))
    for (const pattern of PROBLEMS)
      for (const [, type = ''] of readFileSync(join(root, path), 'utf8').matchAll(pattern)) types.add(type)
  expect(types.size).toBeGreaterThan(100)
  expect([...types].filter((type) => !(type in en.problems)).toSorted()).toEqual(NOT_IN_PANEL)
})

/** Texts between tags, and in attributes that are read or shown. */
const HARD_CODED = [
  /(?<![=<>?&|(]\s*)>\s*([A-Za-zÀ-ÿ][A-Za-zÀ-ÿ' .,:!?]*)\s*<\//g,
  /\b(?:title|label|placeholder|description|aria-label|alt|about|consequence|submitLabel|text)="([^"]+)"/g,
]

test('no text is written into a component', async () => {
  const found: string[] = []
  for await (const path of glob('**/*.tsx', { cwd: SOURCES })) {
    const code = readFileSync(join(SOURCES, path), 'utf8')
    for (const pattern of HARD_CODED)
      for (const [, text = ''] of code.matchAll(pattern)) found.push(`${path}: ${text}`)
  }
  expect(found).toEqual([])
})

test('every text is used', async () => {
  let code = ''
  for await (const path of glob('**/*.{ts,tsx}', { cwd: SOURCES, exclude: ['**/*.test.ts'] }))
    code += readFileSync(join(SOURCES, path), 'utf8')
  // A key that is put together of parts stands in the code as its beginning: `nav.${name}`.
  const stems = [...code.matchAll(/[`']([a-z0-9_]+(?:\.[a-z0-9_]+)*\.?)\$\{/g)].map(([, stem = '']) => stem)
  const isUsed = (key: string) => code.includes(`'${key}'`) || stems.some((stem) => key.startsWith(stem))
  expect(keysOf(en).filter((key) => !isUsed(key))).toEqual([])
})

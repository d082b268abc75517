import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { commands } from '../commands/index.ts'
import { bindArguments, splitWords, usageOf, UsageError, type Verb } from './arguments.ts'

const verbs: readonly Verb[] = commands.flatMap((command) =>
  (command.lines ?? []).map((line) => ({ command, line })),
)

test('names are escaped in paths and queries', () => {
  const show = verbs.find(({ line }) => line.verb === 'show')
  const path = bindArguments(show!, splitWords(['a/../b?c#d@example.org'])).path
  expect(path).toBe('/v1/accounts/a%2F..%2Fb%3Fc%23d%40example.org')
  const list = verbs.find(({ line }) => line.noun === 'account' && line.verb === 'list')
  expect(bindArguments(list!, splitWords(['--search=a&limit=1', '--limit', '5'])).path).toBe(
    '/v1/accounts?limit=5&search=a%26limit%3D1',
  )
})

test('what follows -- is no option', () => {
  expect(splitWords(['--json', '--', '--help', '-x'])).toEqual({
    positional: ['--help', '-x'],
    options: new Map([['json', '']]),
  })
})

test('every verb has its own name and a usage', () => {
  const names = verbs.map(({ line }) => `${line.noun} ${line.verb}`)
  expect(new Set(names).size).toBe(names.length)
  for (const verb of verbs) expect(usageOf(verb)).toMatch(/^(?:doctor$|[a-z]+(?:-[a-z]+)? [a-z]+)/)
})

test('a secret is never an option', () => {
  for (const verb of verbs.filter(({ line }) => line.fromStdin !== undefined)) {
    expect(usageOf(verb)).not.toContain('--password ')
  }
})

test('whatever the words, a verb is bound or the usage told', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      '--',
      '--json',
      '--limit',
      '--limit=3',
      '--=',
      '--scope',
      'a@b',
      '--password-stdin',
      '--__proto__',
    ),
  )
  fc.assert(
    fc.property(fc.constantFrom(...verbs), fc.array(word, { maxLength: 6 }), (verb, words) => {
      try {
        expect(bindArguments(verb, splitWords(words)).path).toMatch(/^\/v1\//)
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError)
      }
    }),
    { numRuns: 2_000, interruptAfterTimeLimit: 2_000 },
  )
})

import { expect, test } from 'vitest'
import { findProblems, isAllowed } from './check-licences.ts'

test.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0-only)', true],
  ['MIT or GPL-2.0', true],
  ['(Apache-2.0 AND BSD-3-Clause)', true],
  ['MIT AND AGPL-3.0-only', false],
  ['(MIT OR GPL-3.0-only) AND (AGPL-3.0-only OR ISC)', true],
  ['(MIT OR GPL-3.0-only) AND (AGPL-3.0-only OR BUSL-1.1)', false],
  ['(MIT', false],
  ['AGPL-3.0-only', false],
  ['BUSL-1.1', false],
  ['SSPL-1.0', false],
  ['EUPL-1.2', false],
  ['GPL-3.0-only', false],
  ['SEE LICENSE IN LICENSE.md', false],
  ['none', false],
])('%s: %s', (expression, allowed) => {
  expect(isAllowed(expression)).toBe(allowed)
})

test('packages of the lock file, nested ones too; our own are not asked', async () => {
  const packages = {
    '': { license: 'UNLICENSED' },
    'packages/db': { license: 'UNLICENSED' },
    'node_modules/@sealpost/db': { link: true },
    'node_modules/good': { license: 'MIT' },
    'node_modules/good/node_modules/@scope/bad': { license: 'AGPL-3.0-only' },
    'node_modules/asked': {},
    'node_modules/silent': {},
  }
  const says = (path: string) => Promise.resolve(path === 'node_modules/asked' ? 'ISC' : undefined)
  expect(await findProblems(packages, says)).toEqual([
    { name: '@scope/bad', licence: 'AGPL-3.0-only' },
    { name: 'silent', licence: 'none' },
  ])
})

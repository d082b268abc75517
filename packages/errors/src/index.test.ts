import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { ConfigError, OperationalError, errorCode, unlessGone } from './index.ts'

test('errorCode names codes and classes, never messages', () => {
  expect(errorCode(new OperationalError('DISK_FULL', 'alice@example.com'))).toBe('DISK_FULL')
  expect(errorCode(Object.assign(new Error('x'), { code: 'ECONNRESET' }))).toBe('ECONNRESET')
  expect(errorCode(Object.assign(new Error('x'), { code: 'alice@example.com' }))).toBe('Error')
  expect(errorCode(new TypeError('alice'))).toBe('TypeError')
  expect(errorCode(Object.assign(new Error('x'), { name: 'alice@example.com' }))).toBe('UNKNOWN')
  expect(errorCode('alice@example.com')).toBe('NOT_AN_ERROR')
  expect(errorCode(undefined)).toBe('NOT_AN_ERROR')
})

test('ConfigError carries every problem', () => {
  const error = new ConfigError(['A must be set', 'B must be a whole number'])
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', name: 'ConfigError' })
  expect(error.problems).toHaveLength(2)
})

test('what is not there is undefined, anything else an error still', async () => {
  const missing = await readFile('/nowhere/at/all').catch((error: unknown) => error)
  expect(unlessGone(missing)).toBe(undefined)
  const directory = await readFile('/').catch((error: unknown) => error)
  for (const other of [directory, new Error('ENOENT'), 'ENOENT', undefined])
    expect(() => unlessGone(other)).toThrow()
})

import { describe, expect, test } from 'vitest'
import { deriveVerifier, isPreparable } from '@sealpost/sasl'
import { columns } from '../../sasl/src/_vectors.ts'
import { makeVerifiers } from './verifiers.ts'

/** What the server makes of the same password and salt. */
async function asServer(password: string, made: Awaited<ReturnType<typeof makeVerifiers>>) {
  const derived = (made ?? []).map(async ({ hash, salt, iterations }) => {
    const options = { salt: Buffer.from(salt, 'base64'), iterations }
    const { storedKey, serverKey } = await deriveVerifier(password, hash, options)
    const keys = { stored_key: storedKey.toString('base64'), server_key: serverKey.toString('base64') }
    return { hash, salt, iterations, ...keys }
  })
  return Promise.all(derived)
}

describe('makeVerifiers', () => {
  test.each(columns('saslprep'))('%j gives what the server derives, or nothing', async (password = '') => {
    const made = await makeVerifiers(password)
    expect(made !== undefined).toBe(isPreparable(password))
    expect(made ?? []).toEqual(await asServer(password, made))
  })

  test('has a salt of its own each time, of 16 bytes, for both hashes', async () => {
    const made = [await makeVerifiers('pencil'), await makeVerifiers('pencil')].flatMap((one) => one ?? [])
    expect(made.map(({ hash }) => hash)).toEqual(['SHA-256', 'SHA-1', 'SHA-256', 'SHA-1'])
    expect(new Set(made.map(({ salt }) => salt)).size).toBe(4)
    expect(made.map(({ salt }) => Buffer.from(salt, 'base64').length)).toEqual([16, 16, 16, 16])
  })

  test('takes none that is empty or too long', async () => {
    for (const password of ['', 'x'.repeat(1024), 'ﷺ'.repeat(57), 'é'.repeat(512)])
      expect(await makeVerifiers(password)).toBeUndefined()
  })
})

import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { columns } from './_vectors.ts'
import {
  deriveVerifier,
  isPreparable,
  parsePlain,
  preparePassword,
  SaslError,
  verifyPassword,
} from './index.ts'

describe('preparePassword', () => {
  it.each(columns('saslprep'))('%j is hashed as %j', (password = '', outcome = '') => {
    expect(isPreparable(password)).toBe(outcome !== '!')
    if (outcome === '!') expect(() => preparePassword(password)).toThrow(SaslError)
    else expect(preparePassword(password)).toBe(outcome === '=' ? password : outcome)
  })

  it('refuses the empty and those that are too long, before and after', () => {
    for (const password of ['', 'x'.repeat(1024), 'ﷺ'.repeat(57), 'é'.repeat(512)])
      expect(isPreparable(password)).toBe(false)
    expect(isPreparable('x'.repeat(1023))).toBe(true)
  })
})

describe('verifyPassword', () => {
  it('knows the password in each of its spellings, and no other', async () => {
    for (const hash of ['SHA-256', 'SHA-1'] as const) {
      const verifier = await deriveVerifier('pa\u00e9\u00a0\u2168', hash, {
        salt: randomBytes(16),
        iterations: 4096,
      })
      expect(await verifyPassword('pae\u0301 IX', verifier)).toBe(true)
      for (const other of ['pae IX', 'unusable', '', '\0', 'x'.repeat(2000)]) {
        expect(await verifyPassword(other, verifier)).toBe(false)
      }
    }
  })

  it('does not take the stand-in for unusable passwords as one', async () => {
    const verifier = await deriveVerifier('unusable', 'SHA-256', { salt: randomBytes(16), iterations: 4096 })
    expect(await verifyPassword('\u0007', verifier)).toBe(false)
    expect(await verifyPassword('unusable', verifier)).toBe(true)
  })
})

describe('parsePlain', () => {
  it('reads the three parts', () => {
    expect(parsePlain(Buffer.from('\0user\0pencil'))).toEqual({
      authzid: undefined,
      username: 'user',
      password: 'pencil',
    })
    expect(parsePlain(Buffer.from('a\0u\0p'))).toEqual({ authzid: 'a', username: 'u', password: 'p' })
  })

  it.each([
    '',
    '\0',
    '\0\0',
    'user\0pencil',
    '\0user\0',
    '\0\0pencil',
    '\0user\0pencil\0',
    `\0${'u'.repeat(1024)}\0p`,
  ])('refuses %j', (message) => {
    expect(() => parsePlain(Buffer.from(message))).toThrow(SaslError)
  })

  it('refuses what is not UTF-8', () => {
    expect(() => parsePlain(Buffer.from('\0us\xffer\0p', 'latin1'))).toThrow(SaslError)
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError, Secret, defineConfig, findPort, listVariables, parseDuration } from './index.ts'
import type { Env, EnvReader } from './index.ts'

function problems(source: Env, read: (env: EnvReader) => unknown): readonly string[] {
  try {
    defineConfig(source, read)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const read = (env: EnvReader) => ({
  name: env.str('NAME'),
  listen: { port: env.port('PORT', 5222), hosts: env.list('HOSTS', ['localhost']) },
  mode: env.oneOf('MODE', ['sealed', 'none'], 'sealed'),
  ttlMs: env.durationMs('TTL', '14d', { min: 1_000 }),
  verbose: env.bool('VERBOSE', false),
  limit: env.int('LIMIT', 10, { min: 1, max: 100 }),
  token: env.optionalSecret('TOKEN', { bytesMin: 8 }),
})

describe('defineConfig', () => {
  test('fills in defaults and freezes in depth', () => {
    const config = defineConfig({ NAME: 'x' }, read)
    expect(config).toEqual({
      name: 'x',
      listen: { port: 5222, hosts: ['localhost'] },
      mode: 'sealed',
      ttlMs: 14 * 24 * 3_600_000,
      verbose: false,
      limit: 10,
      token: undefined,
    })
    expect(Object.isFrozen(config.listen.hosts)).toBe(true)
  })

  test('reads every kind of value', () => {
    const source = {
      NAME: 'x',
      PORT: '0',
      HOSTS: 'a, b,,',
      MODE: 'none',
      TTL: '90s',
      VERBOSE: 'On',
      LIMIT: '7',
    }
    expect(defineConfig(source, read)).toMatchObject({
      listen: { port: 0, hosts: ['a', 'b'] },
      mode: 'none',
      ttlMs: 90_000,
      verbose: true,
      limit: 7,
    })
  })

  test('reports all problems at once and quotes no value', () => {
    const source = {
      PORT: '70000',
      MODE: 'hunter2',
      TTL: '1ms',
      VERBOSE: 'hunter2',
      LIMIT: 'hunter2',
      TOKEN: 'hunter2',
    }
    const found = problems(source, read)
    expect(new Set(found.map((text) => text.split(' ')[0]))).toEqual(
      new Set(['LIMIT', 'MODE', 'NAME', 'PORT', 'TOKEN', 'TTL', 'VERBOSE']),
    )
    expect(found).toHaveLength(7)
    expect(found.join()).not.toContain('hunter2')
  })

  test('the empty string is unset', () => {
    expect(defineConfig({ NAME: 'x', PORT: '' }, read).listen.port).toBe(5222)
    expect(problems({ NAME: '' }, read)).toEqual(['NAME must be set'])
  })

  test('rules across variables join the list', () => {
    const found = problems({}, (env) => env.problem('A and B must be set together'))
    expect(found).toEqual(['A and B must be set together'])
  })

  test('findPort names the variable, also of a default', () => {
    const ports = (env: EnvReader) => [env.port('A_PORT', 5222), env.port('B_PORT', 5223), env.int('C', 5224)]
    const named = [5222, 7000, 5224].map((port) => findPort({ B_PORT: '7000' }, ports, port))
    expect(named).toEqual(['A_PORT', 'B_PORT', undefined])
  })

  test('listVariables names all of the table', () => {
    expect(listVariables(read)).toEqual(['HOSTS', 'LIMIT', 'MODE', 'NAME', 'PORT', 'TOKEN', 'TTL', 'VERBOSE'])
  })
})

describe('secrets', () => {
  test('print as [secret]', () => {
    const secret = Secret.of('hunter2')
    expect(String(secret)).toBe('[secret]')
    expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}')
    expect(inspect({ secret }, { showHidden: true, depth: 9 })).not.toContain('hunter2')
    expect(secret.reveal()).toBe('hunter2')
  })

  test('come from NAME or NAME_FILE, not both, and are required where asked', () => {
    const directory = mkdtempSync(join(tmpdir(), 'sealpost-config-'))
    try {
      const file = join(directory, 'token')
      writeFileSync(file, 'from-file\n')
      const token = (env: EnvReader) => env.secret('TOKEN')
      expect(defineConfig({ TOKEN_FILE: file }, token).reveal()).toBe('from-file')
      expect(defineConfig({ TOKEN: 'direct' }, token).reveal()).toBe('direct')
      expect(problems({ TOKEN: 'direct', TOKEN_FILE: file }, token)).toHaveLength(1)
      expect(problems({ TOKEN_FILE: join(directory, 'none') }, token)).toHaveLength(1)
      expect(problems({}, token)).toEqual(['TOKEN or TOKEN_FILE must be set'])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

test('networks: CIDR or single addresses, of both versions', () => {
  const readWith = (value: string) => (env: EnvReader) =>
    env.networks('NETS', value === '' ? ['127.0.0.0/8', '::1'] : [])
  const includes = (value: string, ...addresses: string[]) => {
    const networks = defineConfig({ NETS: value }, readWith(value))
    return addresses.map((address) => networks.include(address))
  }
  expect(includes('', '127.0.0.1', '127.9.9.9', '::1', '::2', '128.0.0.1')).toEqual([
    true,
    true,
    true,
    false,
    false,
  ])
  const given = '192.0.2.7, 198.51.100.0/24,2001:db8::/32'
  const addresses = [
    '192.0.2.7',
    '::ffff:192.0.2.7',
    '192.0.2.8',
    '198.51.100.200',
    '2001:db8:9::1',
    '',
    'nonsense',
  ]
  expect(includes(given, ...addresses)).toEqual([true, true, false, true, true, false, false])
  for (const wrong of [
    'nonsense',
    '192.0.2.0/33',
    '192.0.2.0/',
    '::1/129',
    '10.0.0.0/8/8',
    '10/8',
    '192.0.2.1-9',
  ])
    expect(problems({ NETS: wrong }, readWith(wrong))).toHaveLength(1)
})

test('durations: the five units and nothing else', () => {
  expect(['500ms', '90s', '10m', '12h', '14d'].map(parseDuration)).toEqual([
    500, 90_000, 600_000, 43_200_000, 1_209_600_000,
  ])
  for (const text of ['', '5', 's', '-1s', '1.5h', '1 h', '1w', '1e3s', '99999999999d'])
    expect(parseDuration(text)).toBeUndefined()
  fc.assert(
    fc.property(fc.string(), (text) => {
      const value = parseDuration(text)
      return value === undefined || (Number.isSafeInteger(value) && value >= 0)
    }),
  )
})

import { expect, test } from 'vitest'
import { isNear } from './near.ts'

test.each([
  '127.0.0.1',
  '127.9.9.9',
  '::1',
  '::ffff:127.0.0.1',
  '10.1.2.3',
  '172.31.0.1',
  '192.168.0.9',
  'fd00::1',
  'fe80::1%eth0',
])('%s is near', (address) => expect(isNear(address)).toBe(true))

test.each([
  '192.0.2.1',
  '172.32.0.1',
  '::ffff:192.0.2.1',
  '2001:db8::1',
  '::',
  '::ffff:8.8.8.8',
  '',
  'nonsense',
])('%s is not near', (address) => expect(isNear(address)).toBe(false))

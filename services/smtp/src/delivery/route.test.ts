import { systemRandom } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { resolverOf, type World } from '../../test/peers.ts'
import { isPublicAddress } from '../dns/public-address.ts'
import { findRoute } from './route.ts'

const mx = (...exchanges: readonly (readonly [number, string])[]) =>
  exchanges.map(([preference, exchange]) => ({ preference, exchange }))

const world: World = {
  mx: {
    'two.example': mx([20, 'b.two.example'], [10, 'A.two.example']),
    'null.example': mx([0, '']),
    'us.example': mx([10, 'mx.us.example'], [20, 'mail.localhost'], [30, 'late.us.example']),
    'only-us.example': mx([10, 'mail.localhost']),
    'private.example': mx([10, 'inside.example']),
    'mapped.example': mx([10, 'mapped.example']),
    'empty.example': mx([10, 'nowhere.example']),
    'broken.example': mx([10, 'failing.example']),
    'half.example': mx([10, 'failing.example'], [20, 'b.two.example']),
  },
  addresses: {
    'a.two.example': ['185.88.99.1', '2a00::1', '185.88.99.2'],
    'b.two.example': ['185.88.99.3'],
    'plain.example': ['185.88.99.4'],
    'mx.us.example': ['185.88.99.5'],
    'late.us.example': ['185.88.99.6'],
    'inside.example': ['10.1.2.3', '127.0.0.1', 'fd00::1', '169.254.169.254', '::1'],
    'mapped.example': ['::ffff:127.0.0.1', '::ffff:a00:1', '64:ff9b::7f00:1', '2002:a00:1::1'],
  },
  secure: ['two.example', 'a.two.example'],
  failing: ['failing.example', 'servfail.example'],
}

const find = (domain: string) =>
  findRoute(domain, {
    resolver: resolverOf(() => world),
    random: systemRandom,
    ownNames: ['mail.localhost'],
    allows: isPublicAddress,
  })

test.each([
  ['two.example', ['a.two.example', 'b.two.example']],
  ['plain.example', ['plain.example']],
  ['us.example', ['mx.us.example']],
  ['half.example', ['b.two.example']],
  ['[185.88.99.9]', ['185.88.99.9']],
  ['[IPv6:2a00::9]', ['2a00::9']],
])('%s goes to %j (RFC 5321 §5.1)', async (domain, names) => {
  const route = await find(domain)
  expect('hosts' in route && route.hosts.map(({ name }) => name)).toEqual(names)
})

test('families of addresses take turns; a host is vouched for as a whole or not', async () => {
  const route = await find('two.example')
  expect(route).toMatchObject({
    hosts: [
      { addresses: ['2a00::1', '185.88.99.1', '185.88.99.2'], secure: true },
      { addresses: ['185.88.99.3'], secure: false },
    ],
  })
})

test.each([
  ['null.example', 'failed', '5.1.10'],
  ['nothing.example', 'failed', '5.1.2'],
  ['empty.example', 'failed', '5.1.2'],
  ['only-us.example', 'failed', '5.4.6'],
  ['private.example', 'failed', '5.4.4'],
  ['mapped.example', 'failed', '5.4.4'],
  ['[127.0.0.1]', 'failed', '5.4.4'],
  ['servfail.example', 'deferred', '4.4.3'],
  ['broken.example', 'deferred', '4.4.3'],
])('%s goes nowhere: %s %s', async (domain, result, status) => {
  expect(await find(domain)).toMatchObject({ outcome: { result, reply: { status } } })
})

test('equal preferences are tried in random order', async () => {
  const firsts = new Set<string>()
  const even: World = {
    mx: { 'even.example': mx([5, 'x.example'], [5, 'y.example']) },
    addresses: { 'x.example': ['185.88.99.1'], 'y.example': ['185.88.99.2'] },
  }
  for (let count = 0; count < 60; count++) {
    const route = await findRoute('even.example', {
      resolver: resolverOf(() => even),
      random: systemRandom,
      ownNames: [],
      allows: isPublicAddress,
    })
    if ('hosts' in route) firsts.add(route.hosts[0]?.name ?? '')
  }
  expect(firsts.size).toBe(2)
})

test('of a domain with ever so many mail servers a few are looked up', async () => {
  const many: World = {
    mx: {
      'many.example': mx(
        ...Array.from({ length: 2_000 }, (_, at) => [at, `${String(at)}.many.example`] as const),
      ),
    },
  }
  const resolver = resolverOf(() => many)
  const asked: string[] = []
  const route = await findRoute('many.example', {
    resolver: {
      ...resolver,
      addresses: (host) => {
        asked.push(host)
        return resolver.addresses(host)
      },
    },
    random: systemRandom,
    ownNames: [],
    allows: isPublicAddress,
  })
  expect(route).toMatchObject({ outcome: { result: 'failed', reply: { status: '5.1.2' } } })
  expect(asked).toEqual(Array.from({ length: 10 }, (_, at) => `${String(at)}.many.example`))
})

import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columns, exchanges } from './_vectors.ts'
import type { Exchange } from './_vectors.ts'
import {
  decoyVerifier,
  deriveVerifier,
  SaslError,
  SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
  scramClient,
  scramServer,
} from './index.ts'
import type { ScramServerExchange, ScramServerOptions, ScramVerifier } from './index.ts'
import { scramClientWithNonce } from './scram-client.ts'
import { readServerFirst } from './scram-message.ts'
import { scramServerWithNonce } from './scram-server.ts'

const exporter = randomBytes(32)
const pencil = await deriveVerifier('pencil', 'SHA-256', { salt: randomBytes(16), iterations: 4096 })

function server(options: Partial<ScramServerOptions> = {}): ScramServerExchange {
  return scramServer({
    hash: 'SHA-256',
    plus: false,
    serverSupportsPlus: true,
    channelBinding: (type) => (type === 'tls-exporter' ? exporter : undefined),
    lookup: () => Promise.resolve(pencil),
    random: randomBytes,
    ...options,
  })
}

async function condition(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (error instanceof SaslError) return error.condition
    throw error
  }
  return 'accepted'
}

const credentials = {
  hash: 'SHA-256',
  plus: false,
  username: 'user',
  password: 'pencil',
  random: randomBytes,
} as const

describe.each(exchanges())('a published exchange ($hash, $username)', (vector: Exchange) => {
  const [clientFirst, serverFirst, clientFinal, serverFinal] = vector.messages
  const clientNonce = /,r=([^,]+)$/.exec(clientFirst)?.[1] ?? ''
  const { nonce, salt, iterations } = readServerFirst(Buffer.from(serverFirst))
  const { hash, username, password, authzid, binding } = vector

  it('is what our server says', async () => {
    const verifier = await deriveVerifier(password, hash, { salt, iterations })
    const exchange = scramServerWithNonce(
      {
        hash,
        plus: binding !== undefined,
        serverSupportsPlus: true,
        channelBinding: (type) => (type === binding?.type ? binding.data : undefined),
        lookup: () => Promise.resolve(verifier),
        random: randomBytes,
      },
      () => nonce.slice(clientNonce.length),
    )
    expect(await exchange.first(Buffer.from(clientFirst))).toBe(serverFirst)
    expect(exchange.final(Buffer.from(clientFinal))).toBe(serverFinal)
    expect([exchange.username, exchange.authzid]).toEqual([username, authzid])
  })

  it('is what our client says', async () => {
    const exchange = scramClientWithNonce(
      {
        hash,
        plus: binding !== undefined,
        username,
        password,
        random: randomBytes,
        ...(binding && { channelBinding: binding }),
        ...(authzid !== undefined && { authzid }),
      },
      clientNonce,
    )
    expect(exchange.first()).toBe(clientFirst)
    expect(await exchange.final(serverFirst)).toBe(clientFinal)
    expect(() => exchange.verify(serverFinal)).not.toThrow()
    expect(() => exchange.verify('v=AAAA')).toThrow(SaslError)
    expect(() => exchange.verify('e=other-error')).toThrow(SaslError)
  })
})

describe('scramServer', () => {
  it.each(columns('client-first-invalid'))('%s: %s for %j', async (mechanism, expected, message) => {
    const exchange = server({ plus: mechanism === 'SCRAM-PLUS' })
    expect(await condition(() => exchange.first(Buffer.from(message ?? '')))).toBe(expected)
  })

  it('refuses what is not UTF-8, and messages, names and nonces beyond their bounds', async () => {
    const messages = [
      Buffer.from('n,,n=us\xffer,r=abc', 'latin1'),
      Buffer.from(`n,,n=${'u'.repeat(1024)},r=abc`),
      Buffer.from(`n,,n=user,r=${'a'.repeat(257)}`),
      Buffer.from(`n,,n=user,r=abc,x=${'y'.repeat(4096)}`),
    ]
    for (const message of messages)
      expect(await condition(() => server().first(message))).toBe('malformed-request')
    expect(await condition(() => server().first(Buffer.from(`n,,n=${'u'.repeat(1023)},r=abc`)))).toBe(
      'accepted',
    )
  })

  it('lets a client say y when there is no -PLUS, and n always', async () => {
    const first = Buffer.from('y,,n=user,r=abc')
    expect(await condition(() => server({ serverSupportsPlus: false }).first(first))).toBe('accepted')
    expect(await condition(() => server().first(Buffer.from('n,,n=user,r=abc')))).toBe('accepted')
  })

  it('adds 18 random bytes to the nonce', async () => {
    const nonces = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const challenge = await server().first(Buffer.from('n,,n=user,r=abc'))
        return readServerFirst(Buffer.from(challenge)).nonce
      }),
    )
    expect(new Set(nonces).size).toBe(50)
    for (const nonce of nonces) expect(nonce).toMatch(/^abc[A-Za-z0-9+/]{24}$/)
  })

  it('passes over optional extensions, which are part of what is proven', async () => {
    const exchange = server()
    const challenge = await exchange.first(Buffer.from('n,,n=user,r=abc,x=anything'))
    const { nonce } = readServerFirst(Buffer.from(challenge))
    const proof = Buffer.alloc(32).toString('base64')
    expect(await condition(() => exchange.final(Buffer.from(`c=biws,r=${nonce},y=1,p=${proof}`)))).toBe(
      'not-authorized',
    )
  })
})

type Tamper = (final: string) => string

/** A whole exchange in which the last message of the client passes through `tamper`. */
async function signIn(
  options: Partial<ScramServerOptions>,
  client: object,
  tamper: Tamper = (final) => final,
): Promise<void> {
  const exchange = server(options)
  const user = scramClient({ ...credentials, ...client })
  const final = await user.final(await exchange.first(Buffer.from(user.first())))
  user.verify(exchange.final(Buffer.from(tamper(final))))
}

describe('a sign-in', () => {
  const bound = { plus: true, channelBinding: { type: 'tls-exporter', data: exporter } }

  it('succeeds with and without channel binding', async () => {
    await signIn({}, {})
    await signIn({ plus: true }, bound)
    await signIn({ serverSupportsPlus: false }, { channelBinding: bound.channelBinding })
  })

  it('fails for a wrong password, another channel, and a server that does not know the verifier', async () => {
    const elsewhere = { plus: true, channelBinding: { type: 'tls-exporter', data: randomBytes(32) } }
    const imposter: ScramVerifier = { ...pencil, serverKey: randomBytes(32) }
    expect(await condition(() => signIn({}, { password: 'Pencil' }))).toBe('not-authorized')
    expect(await condition(() => signIn({ plus: true }, elsewhere))).toBe('not-authorized')
    expect(await condition(() => signIn({ lookup: () => Promise.resolve(imposter) }, {}))).toBe(
      'not-authorized',
    )
  })

  it.each<[string, Tamper, string]>([
    ['another header', (final) => final.replace('c=biws', 'c=eSws'), 'not-authorized'],
    ['a binding that is not base64', (final) => final.replace('c=biws', 'c=biw'), 'malformed-request'],
    ['another nonce', (final) => final.replace(/,r=./, ',r=$'), 'not-authorized'],
    ['a shorter nonce', (final) => final.replace(/.,p=/, ',p='), 'not-authorized'],
    ['a short proof', (final) => final.replace(/,p=.*/, ',p=AAAA'), 'not-authorized'],
    [
      'a long proof',
      (final) => final.replace(/,p=.*/, `,p=${Buffer.alloc(33).toString('base64')}`),
      'not-authorized',
    ],
    ['no proof', (final) => final.replace(/,p=.*/, ''), 'malformed-request'],
    ['an empty proof', (final) => final.replace(/,p=.*/, ',p='), 'malformed-request'],
    ['a mandatory extension', (final) => final.replace(',p=', ',m=x,p='), 'malformed-request'],
    ['an added extension', (final) => final.replace(',p=', ',x=y,p='), 'not-authorized'],
    ['something after the proof', (final) => `${final},x=y`, 'malformed-request'],
    ['5,000 bytes', (final) => final.replace(',p=', `,x=${'y'.repeat(5000)},p=`), 'malformed-request'],
  ])('fails for a last message with %s', async (_, tamper, expected) => {
    expect(await condition(() => signIn({}, {}, tamper))).toBe(expected)
  })

  it('gives one try for each challenge', async () => {
    const exchange = server()
    const user = scramClient(credentials)
    const final = Buffer.from(await user.final(await exchange.first(Buffer.from(user.first()))))
    expect(await condition(() => exchange.final(Buffer.from('c=biws,r=x,p=AAAA')))).toBe('not-authorized')
    expect(() => exchange.final(final)).toThrow('once')
    await expect(exchange.first(final)).rejects.toThrow('once')
  })

  it('has a client that refuses foreign nonces and unreasonable iterations', async () => {
    const user = scramClient(credentials)
    const nonce = user.first().split('r=')[1] ?? ''
    expect(await condition(() => user.final('r=other,s=QUJD,i=4096'))).toBe('not-authorized')
    expect(await condition(() => user.final(`r=${nonce},s=QUJD,i=4096`))).toBe('not-authorized')
    expect(await condition(() => user.final(`r=${nonce}x,s=QUJD,i=4095`))).toBe('mechanism-too-weak')
    expect(await condition(() => user.final(`r=${nonce}x,s=QUJD,i=99999999`))).toBe('mechanism-too-weak')
  })
})

describe('decoyVerifier', () => {
  const secret = randomBytes(32)

  it('looks like a verifier and stays the same for a name', () => {
    for (const hash of ['SHA-256', 'SHA-1'] as const) {
      const decoy = decoyVerifier(secret, 'nobody', hash)
      expect(decoy).toEqual(decoyVerifier(secret, 'nobody', hash))
      expect([decoy.salt.length, decoy.iterations]).toEqual([SCRAM_SALT_BYTES, SCRAM_ITERATIONS])
      expect([decoy.storedKey.length, decoy.serverKey.length]).toEqual(hash === 'SHA-1' ? [20, 20] : [32, 32])
    }
  })

  it('differs by name, hash and secret', () => {
    const salts = [
      decoyVerifier(secret, 'nobody', 'SHA-256'),
      decoyVerifier(secret, 'nobody2', 'SHA-256'),
      decoyVerifier(secret, 'nobody', 'SHA-1'),
      decoyVerifier(randomBytes(32), 'nobody', 'SHA-256'),
    ].map(({ salt }) => salt.toString('hex'))
    expect(new Set(salts).size).toBe(4)
  })

  it('ends in not-authorized like a wrong password', async () => {
    const lookup = (name: string): Promise<ScramVerifier> =>
      Promise.resolve(decoyVerifier(secret, name, 'SHA-256'))
    expect(await condition(() => signIn({ lookup }, {}))).toBe('not-authorized')
  })
})

describe('scramServer under fuzzing', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  const pieces = [
    'n',
    'y',
    'p=',
    'tls-exporter',
    ',',
    ',,',
    'a=',
    'n=',
    'r=',
    'm=',
    'c=',
    'x=',
    '=2C',
    '=3D',
    '=',
    'biws',
    '\0',
    'é',
    '\n',
  ]
  const text = fc.oneof(
    fc
      .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 6 })), { maxLength: 16 })
      .map((all) => Buffer.from(all.join(''))),
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  )

  it(`throws nothing but SaslError and lets nobody in (SEED=${String(seed)})`, async () => {
    let [runs, challenged] = [0, 0]
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.string({ maxLength: 12 }),
        fc.boolean(),
        text,
        async (first, name, plus, final) => {
          runs += 1
          const exchange = server({ plus })
          const wellFormed = Buffer.from(`${plus ? 'p=tls-exporter' : 'n'},,n=${name},r=abc`)
          if ((await condition(() => exchange.first(first))) !== 'accepted') {
            const second = server({ plus })
            if ((await condition(() => second.first(wellFormed))) !== 'accepted') return
            challenged += 1
            expect(await condition(() => second.final(final))).not.toBe('accepted')
            return
          }
          challenged += 1
          expect(Buffer.byteLength(exchange.username)).toBeLessThanOrEqual(1023)
          expect(await condition(() => exchange.final(final))).not.toBe('accepted')
        },
      ),
      { seed, numRuns: 100_000, interruptAfterTimeLimit: 2000, markInterruptAsFailure: false },
    )
    if (runs >= 500) expect(challenged).toBeGreaterThan(50) // a slow machine has not come so far
  })
})

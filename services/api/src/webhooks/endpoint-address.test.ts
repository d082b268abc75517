import { describe, expect, test } from 'vitest'
import { parseNetworks } from '@sealpost/config'
import { endpointAddresses } from './endpoint-address.ts'

const none = { include: () => false }

describe('where webhooks may lead', () => {
  const judged = endpointAddresses({ privateNetworks: none })

  test.each([
    'https://hooks.example.org/in?k=1',
    'https://hooks.example.org:8443',
    'https://1.1.1.1/',
    'https://[2606:4700::1111]/',
  ])('%s may be added', (url) => expect(judged.accepts(url)).toBe(true))

  test.each([
    'http://hooks.example.org/',
    'https://user:word@hooks.example.org/',
    'https://hooks.example.org/#part',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://10.1.2.3/',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fd00::1]/',
    'file:///etc/passwd',
    'no address',
  ])('%s may not', (url) => expect(judged.accepts(url)).toBe(false))

  test('a name is judged by all its addresses, each time anew', async () => {
    const answers = [['1.1.1.1'], ['127.0.0.1'], ['1.1.1.1', '10.0.0.1'], []]
    const resolving = endpointAddresses({
      privateNetworks: none,
      resolve: async () => answers.shift() ?? [],
    })
    const url = new URL('https://hooks.example.org/')
    expect(await resolving.addressOf(url)).toBe('1.1.1.1')
    expect(await resolving.addressOf(url)).toBeUndefined() // rebound to the inside
    expect(await resolving.addressOf(url)).toBeUndefined()
    expect(await resolving.addressOf(url)).toBeUndefined()
  })

  test('networks that the operator names are allowed', async () => {
    const privateNetworks = parseNetworks(['10.2.0.0/16']) ?? none
    const addresses = endpointAddresses({ privateNetworks, resolve: async () => ['10.2.0.9'] })
    expect(addresses.accepts('https://10.2.0.9/')).toBe(true)
    expect(addresses.accepts('https://10.3.0.9/')).toBe(false)
    expect(await addresses.addressOf(new URL('https://inside.example/'))).toBe('10.2.0.9')
  })
})

/** draft-koch-openpgp-webkey-service §3.1: the directory that the domain of an address keeps itself. Nobody else learns who is looked up. */
import { createHash } from 'node:crypto'
import { parseAddress } from '@sealpost/mail'
import type { FetchPublic } from './fetch-public.ts'
import type { KeySource } from './recipient-keys.ts'

const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769'

export function wkdSource(fetch: FetchPublic): KeySource {
  return {
    async find(text) {
      const address = parseAddress(text)
      if (address === undefined || address.domain.startsWith('[')) return undefined
      const { local, domain } = address
      const file = `hu/${wkdHash(local)}?l=${encodeURIComponent(local)}`
      const advanced = await fetch(`openpgpkey.${domain}`, `/.well-known/openpgpkey/${domain}/${file}`)
      // The direct method is for domains without the other name alone.
      const answer =
        advanced.result === 'no host' ? await fetch(domain, `/.well-known/openpgpkey/${file}`) : advanced
      return answer.result === 'found' ? answer.bytes : undefined
    },
  }
}

/** z-base-32 (RFC 6189 §5.1.6) of SHA-1: 160 bits are 32 letters. */
function wkdHash(local: string): string {
  const mapped = local.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
  const digest = createHash('sha1').update(mapped).digest()
  const bits = [...digest].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  return bits.replaceAll(/.{5}/g, (five) => ALPHABET[Number.parseInt(five, 2)] ?? '')
}

/** Verifying key servers (`/vks/v1/by-email`), such as keys.openpgp.org. They learn for whom mail comes in here, so that none is asked unless the operator names it. */
import type { FetchPublic } from './fetch-public.ts'
import type { KeySource } from './recipient-keys.ts'

/** `host` in A-labels. */
export function vksSource(host: string, fetch: FetchPublic): KeySource {
  return {
    async find(address) {
      const answer = await fetch(host, `/vks/v1/by-email/${encodeURIComponent(address)}`)
      return answer.result === 'found' ? answer.bytes : undefined
    },
  }
}

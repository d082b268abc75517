import { MailHeader } from '@sealpost/mail'
import type { Clock } from '@sealpost/runtime'
import { BodyHash } from './body-hash.ts'
import type { DkimKeys } from './dkim-keys.ts'
import { dkimSignature } from './dkim-signature.ts'
import type { Signer } from './signer.ts'

/** Signs with the domain's keys in use. The body is read once, whatever their number. */
export function createDkimSigner({ keys, clock }: { keys: DkimKeys; clock: Clock }): Signer {
  return {
    async sign(domain, content) {
      const signing = await keys.signing(domain)
      const header = signing.length === 0 ? undefined : MailHeader.parse(content.header)
      if (header === undefined) return Buffer.alloc(0)
      const hash = new BodyHash({ canonicalization: 'relaxed' })
      for await (const chunk of content.body()) hash.update(chunk)
      const bodyHash = hash.digest()
      const signedAt = Math.floor(clock.now() / 1000)
      const signatures = await Promise.all(
        signing.map((key) => dkimSignature({ fields: header.fields, bodyHash, domain, key, signedAt })),
      )
      return Buffer.from(signatures.join(''), 'latin1')
    },
  }
}

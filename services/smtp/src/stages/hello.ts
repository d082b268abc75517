/** RFC 5321 §4.1.4: a name in EHLO that cannot be proven is no reason to refuse; one that is ours, or an address that is not the client's, is a lie. */
import type { EmailAddress } from '@sealpost/mail'
import type { Client, Stage } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'
import { isStranger } from './authentication/sender-authentication.ts'
import { isRoleAddress } from './recipients.ts'
import { isSpecialAddress } from '@sealpost/config'

const reject = {
  ours: () => new SmtpReply(550, '5.7.1', 'You are not who you say in EHLO'), // RFC 3463 §3.8
} as const

/** Told at RCPT, so that postmaster and abuse can be reached from anywhere. */
export function helloStage({ domains }: { readonly domains: readonly string[] }): Stage {
  const ours = new Set(domains.map((domain) => domain.toLowerCase()))
  return {
    name: 'hello',
    recipient(client, _envelope, { address }) {
      if (isRoleAddress(address)) return undefined
      return isStranger(client) && !isSpecialAddress(client.address) && lies(client, ours)
        ? reject.ours()
        : undefined
    },
  }
}

function lies({ helo, address }: Client, ours: ReadonlySet<string>): boolean {
  const name = helo.toLowerCase().replace(/\.$/, '')
  const literal: EmailAddress['domain'] | undefined = /^\[(?:ipv6:)?([\da-f.:]+)\]$/.exec(name)?.[1]
  if (literal === undefined) return ours.has(name)
  return normal(literal) !== normal(address)
}

function normal(address: string): string {
  const bare = address.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, '')
  return bare.includes(':') ? (URL.parse(`http://[${bare}]`)?.hostname ?? bare) : bare
}

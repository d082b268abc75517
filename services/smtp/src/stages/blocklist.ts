/**
 * RFC 5782: whether a client's address is listed at one of the operator's DNS blocklists. Asked when it connects, told at RCPT, so that postmaster and abuse can be
 * reached from anywhere. A list that does not answer, or answers that it does not serve us, lists nobody.
 */
import type { Clock } from '@sealpost/runtime'
import { reverseAddress } from '../dns/reverse-name.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { SmtpEvents } from '../events.ts'
import type { Client, Stage } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'
import { isStranger } from './authentication/sender-authentication.ts'
import { isRoleAddress } from './recipients.ts'
import { isSpecialAddress } from '@sealpost/config'

export interface BlocklistOptions {
  readonly resolver: Resolver
  /** Such as `zen.spamhaus.org`. */
  readonly zones: readonly string[]
  readonly clock: Clock
  readonly events: Pick<SmtpEvents, 'blocklistAnswered'>
}

export type BlocklistOutcome = 'listed' | 'clean' | 'misconfigured' | 'failed'

/** All lists together; whoever is slower has no say. */
const LOOKUP_MS_MAX = 2_000
/** RFC 5782 §2.1: codes of listings. 127.0.0.1 is never one (§5). */
const LISTED = /^127\.0\.0\.(?!1$|0$)\d+$/
/** Of Spamhaus and those who do as it does: mistyped zone, public resolver, too many questions. */
const MISCONFIGURED = /^127\.255\.255\./

export function blocklistStage(options: BlocklistOptions): Stage {
  const lookups = new WeakMap<Client, Promise<string | undefined>>()
  return {
    name: 'blocklist',
    connect(client) {
      if (isStranger(client) && !isSpecialAddress(client.address))
        lookups.set(client, firstListing(client.address, options))
      return undefined
    },
    async recipient(client, _envelope, { address }) {
      const zone = isRoleAddress(address) ? undefined : await lookups.get(client)
      return zone === undefined ? undefined : new SmtpReply(550, '5.7.1', `Your address is listed by ${zone}`) // RFC 3463 §3.8
    },
  }
}

/** The first zone that lists the address; undefined when none does in time. */
async function firstListing(address: string, options: BlocklistOptions): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const limit = options.clock.after(LOOKUP_MS_MAX, () => resolve(undefined))
  const lookups = options.zones.map(async (zone) => {
    const outcome = await lookUp(address, zone, options.resolver)
    options.events.blocklistAnswered(outcome)
    if (outcome === 'listed') resolve(zone)
  })
  void Promise.all(lookups).then(() => resolve(undefined))
  const zone = await promise
  limit[Symbol.dispose]()
  return zone
}

/** What one list says of an address. */
export async function lookUp(address: string, zone: string, resolver: Resolver): Promise<BlocklistOutcome> {
  const reversed = reverseAddress(address)
  if (reversed === undefined) return 'failed'
  const answer = await resolver.ipv4(`${reversed.labels}.${zone}`)
  if (answer.result === 'failed') return 'failed'
  if (answer.result === 'none') return 'clean'
  if (answer.records.some((code) => LISTED.test(code))) return 'listed'
  return answer.records.some((code) => MISCONFIGURED.test(code)) ? 'misconfigured' : 'clean'
}

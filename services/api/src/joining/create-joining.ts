/** How people get accounts and devices, and what they sign in with. */
import type { AccountInvite, AccountsDomain } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import type { Links } from '../commands/command.ts'
import { openInviteTokens } from './invite-tokens.ts'

export interface Joining {
  readonly invites: {
    /** Throws what AccountInvites.create throws. */
    create(wanted: WantedInvite): Promise<LinkedInvite>
    /** With its link; undefined when it is gone, or was made where its link cannot be made again. */
    find(id: string): Promise<LinkedInvite | undefined>
  }
}

export type WantedInvite = Pick<AccountInvite, 'domain' | 'localpart' | 'plan' | 'uses'> & {
  /** How long it works. */
  readonly ttlSeconds: number
}

export interface LinkedInvite {
  readonly invite: AccountInvite
  readonly token: string
  readonly url: string
}

export interface JoiningOptions {
  readonly accounts: AccountsDomain
  readonly links: Links
  readonly dataDir: string
  readonly clock: Clock
  readonly random: Random
}

export async function createJoining(options: JoiningOptions): Promise<Joining> {
  const { accounts, links, clock, random } = options
  const tokenOf = await openInviteTokens(options.dataDir, random)
  return {
    invites: {
      async create({ ttlSeconds, ...wanted }) {
        const id = random.uuid()
        const token = tokenOf(id)
        const expiresAt = clock.now() + ttlSeconds * 1000
        const invite = await accounts.accountInvites.create({ ...wanted, id, expiresAt }, token)
        return { invite, token, url: links.enrolment(token) }
      },
      async find(id) {
        const token = tokenOf(id)
        const invite = await accounts.accountInvites.show(token)
        return invite?.id === id ? { invite, token, url: links.enrolment(token) } : undefined
      },
    },
  }
}

/** How people get accounts and devices, and what they sign in with. */
import type { AccountInvite, AccountsDomain, SignedIn } from '@sealpost/accounts'
import { HttpProblem } from '@sealpost/http'
import type { Clock, Random } from '@sealpost/runtime'
import type { AccountOwner, Links } from '../commands/command.ts'
import type { SignIn } from '../sign-in.ts'
import type { AccountSessions } from './account-sessions.ts'
import { openInviteTokens } from './invite-tokens.ts'

export interface Joining {
  readonly sessions: AccountSessions
  /** Whose own password it is, undefined if nobody's; the account may be suspended. Within the bounds of PasswordCheck: throws 429 and 503. */
  proveOwn(jid: string, password: string, client: string): Promise<SignedIn | undefined>
  /** Throws unless the request itself is signed in with the account's own password, or the password is given and right. */
  requireProof(owner: AccountOwner, password: string | undefined, client: string | undefined): Promise<void>
  readonly invites: {
    /** Throws what AccountInvites.create throws. */
    create(wanted: WantedInvite): Promise<LinkedInvite>
    /** With its link; undefined when it is gone, or was made where its link cannot be made again. */
    find(id: string): Promise<LinkedInvite | undefined>
  }
}

export type WantedInvite = Pick<
  AccountInvite,
  'domain' | 'localpart' | 'plan' | 'organisationId' | 'uses'
> & {
  /** How long it works. */
  readonly ttlSeconds: number
}

export interface LinkedInvite {
  readonly invite: AccountInvite
  readonly token: string
  readonly url: string
}

const reject = {
  proof: () => new HttpProblem(403, 'proof-needed', 'Give your password, too'),
  wrong: () => new HttpProblem(403, 'proof-refused', 'That is not your password'),
} as const

export interface JoiningOptions {
  readonly accounts: AccountsDomain
  readonly links: Links
  readonly signIn: SignIn
  readonly sessions: AccountSessions
  readonly dataDir: string
  readonly clock: Clock
  readonly random: Random
}

export async function createJoining(options: JoiningOptions): Promise<Joining> {
  const { accounts, links, signIn, sessions, clock, random } = options
  const tokenOf = await openInviteTokens(options.dataDir, random)
  const proveOwn = async (jid: string, password: string, client: string) => {
    const account = await signIn.check(Buffer.from(`${jid}:${password}`), client)
    return account?.credential.appPassword === undefined ? account : undefined
  }
  return {
    sessions,
    proveOwn,
    async requireProof({ account, proven }, password, client) {
      if (proven) return
      if (password === undefined || client === undefined) throw reject.proof()
      const shown = await proveOwn(account.jid.toString(), password, client)
      if (shown?.id !== account.id) throw reject.wrong()
    },
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

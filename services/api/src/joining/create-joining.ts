/** How people get accounts and devices, and what they sign in with. */
import {
  type Account,
  type AccountInvite,
  type AccountsDomain,
  dayOf,
  type PasswordChange,
  type SignedIn,
} from '@sealpost/accounts'
import { HttpProblem } from '@sealpost/http'
import type { Clock, Random } from '@sealpost/runtime'
import type { ScramVerifier } from '@sealpost/sasl'
import type { AccountOwner, Links } from '../commands/command.ts'
import type { Notices } from '../notices/notices.ts'
import type { SignIn } from '../sign-in.ts'
import type { AccountSessions } from './account-sessions.ts'
import { passwordNotice, type PasswordChangedBy } from './password-notice.ts'
import { openInviteTokens } from './invite-tokens.ts'

export interface Joining {
  readonly sessions: AccountSessions
  /** Whose own password it is, undefined if nobody's; the account may be suspended. Within the bounds of PasswordCheck: throws 429 and 503. */
  proveOwn(jid: string, password: string, client: string): Promise<SignedIn | undefined>
  /** Throws unless the request itself is signed in with the account's own password, or the password is given and right. */
  requireProof(owner: AccountOwner, password: string | undefined, client: string | undefined): Promise<void>
  /**
   * Uses a link to choose a password: everything that was signed in with the one before is over, and the owner is told. Undefined when the link is gone. Throws
   * VERIFIERS_INCOMPLETE (AccountError).
   */
  redeemPassword(token: string, verifiers: readonly ScramVerifier[]): Promise<Account | undefined>
  /** Replaces the password; `keep` is a session that goes on. The owner is told. Throws as AccountsDomain.setVerifiers. */
  changePassword(
    account: Account,
    verifiers: readonly ScramVerifier[],
    change: PasswordChange & { readonly keep: string | undefined },
  ): Promise<void>
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
  readonly notices: Pick<Notices, 'publish'>
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
  const tell = (accountId: string, by: PasswordChangedBy, signedOut: boolean) =>
    options.notices.publish(passwordNotice(accountId, by, { day: dayOf(clock.now()), signedOut }))
  return {
    sessions,
    proveOwn,

    async redeemPassword(token, verifiers) {
      const invited = (await accounts.invites.show(token))?.accountId
      const before = invited === undefined ? undefined : await accounts.findById(invited)
      const hadPassword =
        before !== undefined && (await accounts.verifier(before.jid, 'SHA-256')) !== undefined
      const change = { signOut: true, appPasswords: false }
      const accountId = await accounts.invites.redeemPassword(token, verifiers, change)
      if (accountId === undefined) return undefined
      if (hadPassword) await tell(accountId, 'link', true)
      return accounts.findById(accountId)
    },

    async changePassword({ id }, verifiers, { keep, ...change }) {
      await accounts.setVerifiers(id, verifiers, change)
      if (keep !== undefined) await sessions.renew(keep)
      await tell(id, 'password', change.signOut)
    },

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

/**
 * Brings mail to other servers: by MX and the TLS policy of the domain (DANE, else MTA-STS, else whatever is offered), or to the server that the operator
 * named for the domain or for everything.
 */
import type { BlockList } from 'node:net'
import type { Clock, Random } from '@sealpost/runtime'
import type { Resolver } from '../dns/resolver.ts'
import type { Attempt, AttemptResult, Outcome } from '../queue/carrier.ts'
import type { Reply } from '../queue/mail-record.ts'
import type { Signer } from '../signing/signer.ts'
import { MtaSts, type StsPolicy, isNamed } from './mta-sts.ts'
import { type MailHost, findRoute } from './route.ts'
import { SessionCache } from './session-cache.ts'
import { SessionError, ownReply } from './session-error.ts'
import { SmtpSession } from './smtp-session.ts'
import { type TlsDemand, usableRecords } from './tls-demand.ts'
import { sendMail } from './transaction.ts'

export interface Hop {
  readonly host: string
  readonly port: number
}

/** How the TLS of a connection came out, for reports to the domain (RFC 8460). */
export interface TlsResult {
  readonly domain: string
  readonly host: string
  readonly policy: 'sts' | 'tlsa' | 'no-policy-found'
  readonly succeeded: boolean
}

export interface RemoteOptions {
  /** Takes everything; undefined: MX decides. */
  readonly smarthost: Hop | undefined
  /** Servers that the operator named for single domains. */
  readonly routes: ReadonlyMap<string, Hop>
  readonly resolver: Resolver
  readonly signer: Signer
  /** Said in EHLO. */
  readonly name: string
  readonly ownNames: readonly string[]
  readonly forbidden: Pick<BlockList, 'check'>
  readonly clock: Clock
  readonly random: Random
  /** PEM of authorities; undefined: the system's. */
  readonly ca?: string
  /** Of the mail servers of the world; 25 unless told. */
  readonly port?: number
  readonly stsPort?: number
  readonly onTlsResult?: (result: TlsResult) => void
}

/** One server to try. */
interface Target {
  readonly host: string
  readonly address: string
  readonly port: number
  readonly tls: TlsDemand
  readonly policy: TlsResult['policy']
}

const SMTP_PORT = 25
/** RFC 8314 §7.3: TLS from the first byte. */
const SMTPS_PORT = 465
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/
export const SMARTHOST = 'smarthost'
/** What a server is told to have failed at where its connection could not be made private (SESSION_TLS). */
const TLS_FAILED = /^4\.7\.[45]$/

export class RemoteCarrier implements Disposable {
  readonly #options: RemoteOptions
  readonly #sessions: SessionCache
  readonly #sts: MtaSts

  constructor(options: RemoteOptions) {
    this.#options = options
    this.#sessions = new SessionCache(options.clock)
    const { resolver, clock, ca, forbidden, stsPort } = options
    this.#sts = new MtaSts({
      resolver,
      clock,
      ca,
      forbidden,
      ...(stsPort === undefined ? {} : { port: stsPort }),
    })
  }

  destinationOf(domain: string): string {
    return this.#options.smarthost === undefined || this.#options.routes.has(domain) ? domain : SMARTHOST
  }

  async carry(attempt: Attempt): Promise<AttemptResult> {
    const { recipients, destination, mail } = attempt
    const all = (outcome: Outcome, reached: boolean): AttemptResult => ({
      outcomes: recipients.map(() => outcome),
      reached,
    })
    const found = await this.#targets(destination, mail.envelope.requireTls)
    if ('outcome' in found) return all(found.outcome, true)
    let reply: Reply = ownReply(450, '4.4.1', 'No server of the domain could be used')
    let readable = mail.envelope.requireTls && found.targets.length > 0
    for (const target of found.targets) {
      const session = await this.#open(attempt, target)
      if (session instanceof SmtpSession)
        return { outcomes: await this.#send(session, target, attempt), reached: true }
      reply = session
      readable &&= TLS_FAILED.test(session.status)
      if (attempt.signal.aborted) return all({ result: 'deferred', reply }, false)
    }
    // RFC 8689 §4.2.1: all of them answer, and none as privately as the sender demands.
    if (readable) return all({ result: 'failed', reply: { ...reply, code: 550, status: '5.7.10' } }, true)
    return all({ result: 'deferred', reply }, false)
  }

  [Symbol.dispose](): void {
    this.#sessions[Symbol.dispose]()
  }

  async #targets(
    destination: string,
    requireTls: boolean,
  ): Promise<{ readonly targets: readonly Target[] } | { readonly outcome: Outcome }> {
    const { smarthost, routes, port = SMTP_PORT } = this.#options
    const hop = destination === SMARTHOST ? smarthost : routes.get(destination)
    if (hop !== undefined) return await this.#hopTargets(hop, requireTls)
    const route = await findRoute(destination, this.#options)
    if ('outcome' in route) return route
    const policy = await this.#sts.policyOf(destination)
    const targets: Target[] = []
    const reasons: Reply[] = []
    for (const host of route.hosts) {
      const demand = await this.#demand(host, policy, requireTls)
      if ('reply' in demand) reasons.push(demand.reply)
      else for (const address of host.addresses) targets.push({ host: host.name, address, port, ...demand })
    }
    return targets.length > 0 ? { targets } : { outcome: unusable(reasons) }
  }

  /** A server of the operator's: verified, unless it is this machine. */
  async #hopTargets(
    { host, port }: Hop,
    requireTls: boolean,
  ): Promise<{ readonly targets: readonly Target[] } | { readonly outcome: Outcome }> {
    const addresses = /^[\d.]+$|:/.test(host) ? [host] : await this.#addresses(host)
    if (addresses.length === 0)
      return {
        outcome: { result: 'deferred', reply: ownReply(451, '4.4.3', 'The next server cannot be looked up') },
      }
    const isHere = LOOPBACK.test(host)
    const kind = isHere && !requireTls ? 'opportunistic' : isHere ? 'encrypted' : 'verified'
    return {
      targets: addresses.map((address) => ({
        host,
        address,
        port,
        tls: { kind },
        policy: 'no-policy-found',
      })),
    }
  }

  async #addresses(host: string): Promise<readonly string[]> {
    if (host === 'localhost') return ['127.0.0.1', '::1']
    const answer = await this.#options.resolver.addresses(host)
    return answer.result === 'found' ? answer.records : []
  }

  /** What a connection to this server has to be; a reply: it cannot be used. */
  async #demand(
    host: MailHost,
    policy: StsPolicy | undefined,
    requireTls: boolean,
  ): Promise<Pick<Target, 'tls' | 'policy'> | { readonly reply: Reply }> {
    if (host.secure) {
      const port = this.#options.port ?? SMTP_PORT
      const answer = await this.#options.resolver.tlsa(`_${String(port)}._tcp.${host.name}`)
      // RFC 7672 §2.1.2: whoever suppresses the answer must not get the mail.
      if (answer.result === 'failed')
        return { reply: ownReply(451, '4.7.5', 'The DANE records of the server cannot be looked up') }
      if (answer.result === 'found' && answer.secure) {
        const records = usableRecords(answer.records)
        const tls: TlsDemand =
          records.length > 0 ? { kind: 'dane', records, names: [host.name] } : { kind: 'encrypted' }
        return { tls, policy: 'tlsa' }
      }
    }
    if (policy?.mode === 'enforce') {
      if (isNamed(host.name, policy)) return { tls: { kind: 'verified' }, policy: 'sts' }
      return {
        reply: ownReply(450, '4.7.5', 'The mail server is not one that the policy of its domain names'),
      }
    }
    if (!requireTls) return { tls: { kind: 'opportunistic' }, policy: 'no-policy-found' }
    // RFC 8689 §4.2.1: the name of the server has to be vouched for, too; else the sender is told at once.
    if (host.secure) return { tls: { kind: 'verified' }, policy: 'no-policy-found' }
    return {
      reply: ownReply(
        550,
        '5.7.30',
        'REQUIRETLS cannot be kept: nobody vouches for the mail servers of the domain',
      ),
    }
  }

  /** A session, perhaps one that was used before; a reply: there is none to be had. */
  async #open({ signal, destination }: Attempt, target: Target): Promise<SmtpSession | Reply> {
    const known = this.#sessions.take(keyOf(target))
    if (known !== undefined) return known
    try {
      const session = await this.#connect(target, target.tls, signal)
      if (session.isSecure) this.#tell(destination, target, true)
      return session
    } catch (error) {
      if (!(error instanceof SessionError)) throw error
      if (error.code !== 'SESSION_TLS') return error.reply
      this.#tell(destination, target, false)
      if (target.tls.kind !== 'opportunistic') return error.reply
    }
    try {
      return await this.#connect(target, { kind: 'none' }, signal) // RFC 7435 §3: rather readable than never.
    } catch (error) {
      if (error instanceof SessionError) return error.reply
      throw error
    }
  }

  #connect({ host, address, port }: Target, tls: TlsDemand, signal: AbortSignal): Promise<SmtpSession> {
    const { name, ca, clock } = this.#options
    const implicitTls = port === SMTPS_PORT
    return SmtpSession.open({
      host,
      address,
      port,
      protocol: 'smtp',
      name,
      tls,
      implicitTls,
      ca,
      clock,
      signal,
    })
  }

  async #send(session: SmtpSession, target: Target, { mail, recipients }: Attempt): Promise<Outcome[]> {
    const { envelope } = mail
    const domain = envelope.sender?.domain ?? this.#options.ownNames[0] ?? 'localhost'
    const signatures = await this.#options.signer.sign(domain, mail.content)
    const content = { ...mail.content, header: Buffer.concat([signatures, mail.content.header]) }
    const outcomes = await sendMail(session, { envelope, recipients, content, protocol: 'smtp' })
    this.#sessions.giveBack(keyOf(target), session)
    return outcomes
  }

  #tell(domain: string, { host, policy }: Target, succeeded: boolean): void {
    this.#options.onTlsResult?.({ domain, host, policy, succeeded })
  }
}

/** Why none of the servers may be tried: for good only if time mends none of the reasons. */
function unusable(reasons: readonly Reply[]): Outcome {
  const passing = reasons.find(({ code }) => code < 500)
  const nothing = ownReply(450, '4.7.5', 'No server of the domain keeps what its domain promises')
  if (passing !== undefined) return { result: 'deferred', reply: passing }
  const [reply] = reasons
  return reply === undefined ? { result: 'deferred', reply: nothing } : { result: 'failed', reply }
}

function keyOf({ host, address, port, tls }: Target): string {
  return [tls.kind, host, address, String(port)].join(' ')
}

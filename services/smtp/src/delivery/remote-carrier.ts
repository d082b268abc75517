/**
 * Brings mail to other servers: by MX and the TLS policy of the domain (DANE, else MTA-STS, else whatever is offered), or to the server that the operator
 * named for the domain or for everything.
 */
import type { Clock, Random } from '@sealpost/runtime'
import type { Resolver } from '../dns/resolver.ts'
import type { Attempt, AttemptResult, Outcome } from '../queue/carrier.ts'
import type { Reply } from '../queue/mail-record.ts'
import type { Envelope } from '../reception/stage.ts'
import { reportKind } from '../reports/report-addresses.ts'
import type { Signer } from '../signing/signer.ts'
import { type Demand, type Refusal, daneDemand } from './dane-demand.ts'
import type { KnownPolicies } from './known-policies.ts'
import { MtaSts, type StsPolicy, isNamed } from './mta-sts.ts'
import { type MailHost, findRoute } from './route.ts'
import { SessionCache } from './session-cache.ts'
import { SessionError, ownReply } from './session-error.ts'
import { SmtpSession } from './smtp-session.ts'
import type { TlsDemand } from './tls-demand.ts'
import type { TlsFault, TlsResult } from './tls-failure.ts'
import { noPolicy, stsPolicy } from './tls-policy.ts'
import { sendMail } from './transaction.ts'

export interface Hop {
  readonly host: string
  readonly port: number
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
  /** Where strangers' domains may lead. */
  readonly allows: (address: string) => boolean
  readonly clock: Clock
  readonly random: Random
  /** PEM of authorities; undefined: the system's. */
  readonly ca?: string
  /** Of the mail servers of the world; 25 unless told. */
  readonly port?: number
  readonly stsPort?: number
  /** Policies of MTA-STS that are known from before the start. */
  readonly policies?: KnownPolicies
  /** Hears of sessions for which a domain may want a report (RFC 8460). */
  readonly onTlsResult?: (result: TlsResult) => void
}

/** One server to try. */
interface Target extends Demand {
  readonly host: string
  readonly address: string
  readonly port: number
}

const NOT_NAMED: TlsFault = { type: 'validation-failure', reason: 'MX_NOT_IN_POLICY' }

const SMTP_PORT = 25
/** RFC 8314 §7.3: TLS from the first byte. */
const SMTPS_PORT = 465
const UNTOLD: Demand = { tls: { kind: 'opportunistic' }, policy: undefined }
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
    const { resolver, clock, ca, allows, stsPort, policies } = options
    this.#sts = new MtaSts({
      resolver,
      clock,
      known: policies,
      ca,
      allows,
      ...(stsPort === undefined ? {} : { port: stsPort }),
      onFault: (domain, type) =>
        options.onTlsResult?.({ domain, policy: stsPolicy(domain), failure: { type } }),
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
    const found = await this.#targets(destination, mail.envelope)
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
    { sender, requireTls }: Envelope,
  ): Promise<{ readonly targets: readonly Target[] } | { readonly outcome: Outcome }> {
    const { smarthost, routes, ownNames, port = SMTP_PORT } = this.#options
    const hop = destination === SMARTHOST ? smarthost : routes.get(destination)
    if (hop !== undefined) return await this.#hopTargets(hop, requireTls)
    const route = await findRoute(destination, this.#options)
    if ('outcome' in route) return route
    // RFC 8460 §3: reports about TLS go out whatever becomes of TLS, and of the sessions of reports nobody is told.
    const report = sender !== undefined && ownNames.includes(sender.domain) ? reportKind(sender) : undefined
    const policy = report === 'tls' ? undefined : await this.#sts.policyOf(destination)
    const targets: Target[] = []
    const reasons: Reply[] = []
    for (const host of route.hosts) {
      const demand: Demand | Refusal =
        report === 'tls' ? UNTOLD : await this.#demand(host, { domain: destination, policy, requireTls })
      if ('reply' in demand) {
        reasons.push(demand.reply)
        if (report === undefined)
          this.#tell(destination, { host: host.name, policy: demand.policy }, demand.fault)
        continue
      }
      const told = report === undefined ? demand.policy : undefined
      for (const address of host.addresses)
        targets.push({ host: host.name, address, port, ...demand, policy: told })
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
        policy: undefined,
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
    { domain, policy, requireTls }: { domain: string; policy: StsPolicy | undefined; requireTls: boolean },
  ): Promise<Demand | Refusal> {
    const { resolver, port = SMTP_PORT } = this.#options
    const dane = host.secure ? await daneDemand(resolver, host.name, port) : undefined
    if (dane !== undefined) return dane
    const named = policy !== undefined && isNamed(host.name, policy)
    if (policy?.mode === 'enforce') {
      const told = stsPolicy(domain, policy)
      if (named) return { tls: { kind: 'verified' }, policy: told }
      const reply = ownReply(450, '4.7.5', 'The mail server is not one that the policy of its domain names')
      return { reply, policy: told, fault: NOT_NAMED }
    }
    const tested = { testing: true, ...(named ? {} : { known: NOT_NAMED }) }
    const told =
      policy?.mode === 'testing'
        ? { policy: stsPolicy(domain, policy), ...tested }
        : { policy: noPolicy(domain) }
    if (!requireTls) return { tls: { kind: 'opportunistic' }, ...told }
    // RFC 8689 §4.2.1: the name of the server has to be vouched for, too; else the sender is told at once.
    if (host.secure) return { tls: { kind: 'verified' }, ...told }
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
      this.#tell(destination, target, faultOf(session, target))
      return session
    } catch (error) {
      if (!(error instanceof SessionError)) throw error
      if (error.code !== 'SESSION_TLS') return error.reply
      this.#tell(destination, target, error.fault)
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

  async #send(
    session: SmtpSession,
    target: Target,
    { mail, recipients, isForeign }: Attempt,
  ): Promise<Outcome[]> {
    const { envelope } = mail
    const domain = envelope.sender?.domain ?? this.#options.ownNames[0] ?? 'localhost'
    const { header } = mail.content
    const signed = async (): Promise<Buffer> =>
      Buffer.concat([await this.#options.signer.sign(domain, mail.content), header])
    const content = { ...mail.content, header: isForeign === true ? header : await signed() }
    const outcomes = await sendMail(session, { envelope, recipients, content, protocol: 'smtp' })
    this.#sessions.giveBack(keyOf(target), session)
    return outcomes
  }

  #tell(
    domain: string,
    { host: mxHost, address: receivingIp, policy }: Pick<Target, 'host' | 'policy'> & { address?: string },
    fault: TlsFault | undefined,
  ): void {
    const failure = fault && { ...fault, mxHost, receivingIp }
    if (policy !== undefined) this.#options.onTlsResult?.({ domain, policy, failure })
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

/** Undefined: the session is as private as the policy has it. */
function faultOf(session: SmtpSession, { testing, known }: Target): TlsFault | undefined {
  if (!session.isSecure) return { type: 'starttls-not-supported' }
  return known ?? (testing === true ? session.certificateFault : undefined)
}

function keyOf({ host, address, port, tls }: Target): string {
  return [tls.kind, host, address, String(port)].join(' ')
}

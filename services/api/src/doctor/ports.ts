/** Whether the ports where clients and other servers come answer, spoken to as they do it, by the public name of this server. */
import { rootCertificates } from 'node:tls'
import type { Diagnosis } from './diagnosis.ts'
import { Conversation, type Endpoint } from '../status/probes/conversation.ts'
import { probeHkp, probeSmtp, probeXmpp } from '../status/probes/probes.ts'

export interface PublicHost {
  /** In A-labels. */
  readonly name: string
  /** Where DNS leads. */
  readonly address: string
  /** Authorities besides the public ones, in PEM. */
  readonly ca: readonly string[]
}

export interface PublicPort {
  readonly port: number
  readonly who: string
  readonly need: 'required' | 'recommended'
  readonly ask: (at: Endpoint, host: PublicHost, signal: AbortSignal) => Promise<void>
}

const trustOf = ({ name, ca }: PublicHost) => ({ serverName: name, ca })
const smtp =
  (submission: boolean): PublicPort['ask'] =>
  (at, host, signal) =>
    probeSmtp({ ...at, submission }, trustOf(host), signal)

async function secure(at: Endpoint, host: PublicHost, signal: AbortSignal): Promise<void> {
  using conversation = await Conversation.open(at, signal)
  await conversation.secure(trustOf(host), rootCertificates)
}

export const PUBLIC_PORTS: readonly PublicPort[] = [
  { port: 25, who: 'other mail servers', need: 'required', ask: smtp(false) },
  { port: 465, who: 'mail programs', need: 'required', ask: secure },
  { port: 587, who: 'mail programs (STARTTLS)', need: 'recommended', ask: smtp(true) },
  {
    port: 5222,
    who: 'chat programs',
    need: 'required',
    ask: (at, host, signal) => probeXmpp(at, trustOf(host), signal),
  },
  { port: 5223, who: 'chat programs (TLS from the first byte)', need: 'recommended', ask: secure },
  { port: 443, who: 'browsers, files, keys', need: 'required', ask: secure },
  { port: 11371, who: 'GnuPG (HKP)', need: 'recommended', ask: (at, _host, signal) => probeHkp(at, signal) },
]

const TIMEOUT_MS = 5_000
/** Of TLS: the way was open, and what came was not what a stranger believes. */
const CERTIFICATE_CODE = /^(?:CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/

export async function examinePorts(
  host: PublicHost,
  ports: readonly PublicPort[] = PUBLIC_PORTS,
): Promise<readonly Diagnosis[]> {
  return Promise.all(ports.map((port) => examinePort(host, port)))
}

async function examinePort(host: PublicHost, { port, who, need, ask }: PublicPort): Promise<Diagnosis> {
  const at = `${host.name}:${String(port)}`
  try {
    await ask({ host: host.address, port }, host, AbortSignal.timeout(TIMEOUT_MS))
    return { area: 'ports', verdict: 'ok', found: `${at} serves ${who}` }
  } catch (error) {
    const verdict = need === 'required' ? 'wrong' : 'advice'
    const code = String((error as { code?: unknown }).code)
    if (CERTIFICATE_CODE.test(code))
      return {
        area: 'ports',
        verdict,
        found: `${at} has a certificate that ${who} will not believe (${code})`,
        advice: 'Serve the whole chain of a certificate for this name; see TLS_CERT.',
      }
    return {
      area: 'ports',
      verdict,
      found: `${at} does not serve ${who}${code === 'PROBE_ANSWER' ? ', but something else' : ''}`,
      advice:
        'See that it listens there (SEALPOST_BIND and the _PORT settings), that the firewall lets it in, and that the provider does. Some networks do not let a machine reach its own public address: then try from elsewhere.',
    }
  }
}

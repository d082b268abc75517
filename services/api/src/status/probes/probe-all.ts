/** All components, once. A component is good when everything that belongs to it answered, at the second try at the latest. */
import type { TurnService } from '@sealpost/turn'
import type { ProbeResult } from '../component.ts'
import type { TlsTrust } from './conversation.ts'
import { probeHkp, probeReady, probeSmtp, probeStun, probeXmpp } from './probes.ts'

export interface ProbeTargets {
  readonly host: string
  /** Undefined, here and below: it is not probed. */
  readonly xmppPort: number | undefined
  readonly smtpPort: number | undefined
  readonly submissionPort: number | undefined
  readonly hkpPort: number | undefined
  /** Origin of the API. */
  readonly apiUrl: string | undefined
  /** The first of each kind of transport is probed. */
  readonly turn: readonly TurnService[]
  readonly trust: TlsTrust
}

const TIMEOUT_MS = 10_000

type Probe = (signal: AbortSignal) => Promise<void>

/** Never rejects; takes 20 seconds at most. */
export async function probeAll(targets: ProbeTargets): Promise<ProbeResult[]> {
  const { host, trust, xmppPort, smtpPort, submissionPort, hkpPort, apiUrl, turn } = targets
  const at = (port: number | undefined, probe: (port: number) => Probe): Probe[] =>
    port === undefined ? [] : [probe(port)]
  const chat = at(xmppPort, (port) => (signal) => probeXmpp({ host, port }, trust, signal))
  const smtp = (port: number | undefined, submission: boolean) =>
    at(port, (known) => (signal) => probeSmtp({ host, port: known, submission }, trust, signal))
  const byTransport = [...Map.groupBy(turn, ({ type, transport }) => `${type} ${transport}`).values()]
  const relays = byTransport.flatMap(([service]) =>
    service === undefined ? [] : [(signal: AbortSignal) => probeStun(service, trust, signal)],
  )
  const groups = {
    chat,
    // Calls are set up over chat.
    voice: [...chat, ...relays],
    mail: [...smtp(smtpPort, false), ...smtp(submissionPort, true)],
    keys: at(hkpPort, (port) => (signal) => probeHkp({ host, port }, signal)),
    api: apiUrl === undefined ? [] : [(signal: AbortSignal) => probeReady(apiUrl, signal)],
  } as const
  const found = Object.entries(groups).map(async ([component, probes]) => {
    const answers = await Promise.all(probes.map(serves))
    return {
      component: component as ProbeResult['component'],
      good: answers.every(Boolean),
      asked: probes.length > 0,
    }
  })
  return (await Promise.all(found)).flatMap(({ asked, component, good }) =>
    asked ? [{ component, good }] : [],
  )
}

async function serves(probe: Probe): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await probe(AbortSignal.timeout(TIMEOUT_MS))
      return true
    } catch {
      // Once more: a packet may be lost without anything being down.
    }
  }
  return false
}

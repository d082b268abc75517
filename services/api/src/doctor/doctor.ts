/** Looks at all that an operator has to set up right. Asks DNS, Postgres, this machine, and its own ports by their public name; nobody else. */
import { domainToASCII } from 'node:url'
import type { Db } from '@sealpost/db'
import type { DkimOperations } from '@sealpost/ports'
import type { Platform } from '@sealpost/service'
import { examine, type Finding } from '../dns/doctor.ts'
import type { LookUp } from '../dns/look-up.ts'
import type { MetricsSource } from '../statistics/sources.ts'
import { examineCertificate } from './certificate.ts'
import type { Diagnosis } from './diagnosis.ts'
import { readPostgresFacts } from './facts.postgres.ts'
import { examineKeys } from './key-safety.ts'
import { examineClock, examineDisk } from './machine.ts'
import { examinePorts } from './ports.ts'
import { examineSettings } from './postgres-settings.ts'
import { examineReputation } from './reputation.ts'

export interface DoctorOptions {
  readonly platform: Pick<Platform, 'clock' | 'tls' | 'dataDir'>
  /** With the role `sealpost_api`. */
  readonly db: Db
  readonly domains: readonly string[]
  readonly lookUp: LookUp
  readonly dkim: DkimOperations
  /** Figures of all processes. */
  readonly figures: readonly MetricsSource[]
}

const LOCAL = 'localhost'

export class Doctor {
  readonly #options: DoctorOptions

  constructor(options: DoctorOptions) {
    this.#options = options
  }

  /** Takes ten seconds at most. */
  async examine(): Promise<readonly Diagnosis[]> {
    const { platform, domains, figures } = this.#options
    const names = domains.map(domainToASCII)
    const parts = await Promise.all([
      this.#examineDns(names),
      this.#examinePublicPorts(names),
      this.#examinePostgres(),
      examineDisk({ 'the data directory': platform.dataDir }),
      examineKeys(figures),
      examineReputation(figures),
    ])
    return [...examineCertificate(platform.tls.current().cert, names, platform.clock.now()), ...parts.flat()]
  }

  async #examinePostgres(): Promise<readonly Diagnosis[]> {
    const { db, platform } = this.#options
    const { settings, now } = await readPostgresFacts(db)
    return [...examineSettings(settings), ...(await examineClock(platform.clock.now(), now))]
  }

  async #examineDns(names: readonly string[]): Promise<readonly Diagnosis[]> {
    const { lookUp, dkim, domains } = this.#options
    const [host = LOCAL] = names
    const found = names.map(async (domain, index): Promise<readonly Diagnosis[]> => {
      if (domain === LOCAL) return [FOR_THIS_MACHINE]
      const keys = await dkim.list(domains[index] ?? domain)
      const findings = await examine({ domain, host, dkim: keys }, lookUp)
      const bad = findings.filter(({ state }) => state !== 'ok').map(ofFinding)
      return bad.length > 0 ? bad : [{ area: 'dns', verdict: 'ok', found: `${domain} has all its records` }]
    })
    return (await Promise.all(found)).flat()
  }

  async #examinePublicPorts([name = LOCAL]: readonly string[]): Promise<readonly Diagnosis[]> {
    if (name === LOCAL) return []
    const { lookUp } = this.#options
    const address = (await lookUp(name, 'A'))?.[0] ?? (await lookUp(name, 'AAAA'))?.[0]
    if (address !== undefined) return examinePorts({ name, address, ca: [] })
    return [
      {
        area: 'ports',
        verdict: 'unknown',
        found: `${name} has no address in DNS, so nobody comes`,
        advice: 'Set A and AAAA first.',
      },
    ]
  }
}

const FOR_THIS_MACHINE: Diagnosis = {
  area: 'dns',
  verdict: 'advice',
  found: 'the domain is localhost: this server is for this machine only',
  advice: 'Set SEALPOST_DOMAIN.',
}

function ofFinding({ name, type, need, state, expected, found }: Finding): Diagnosis {
  if (state === 'unknown')
    return {
      area: 'dns',
      verdict: 'unknown',
      found: `nobody answers for ${name} ${type}`,
      advice: 'See whether the resolver works (DNS_SERVERS).',
    }
  const now = state === 'missing' ? 'is missing' : `is wrong: ${found.join(' | ')}`
  return {
    area: 'dns',
    verdict: need === 'required' ? 'wrong' : 'advice',
    found: `${name} ${type} ${now} (${need})`,
    advice: `Set ${name} ${type} ${expected}`,
  }
}

/** Each self-audit stands in the audit log once: relay and mail relay tell of their last one in their metrics, also after a restart. */
import type { AuditLog } from '@sealpost/audit'
import type { Statistics } from '../statistics/statistics.ts'

const ACTION = 'server.self-audit'
/** By what is audited: how its figures are called. */
const AUDITS = { messages: 'audit', mails: 'mail.audit' } as const
/** Of either, the last one is among so many. */
const LATEST = 20

/** To be called hourly or more often. */
export async function recordSelfAudits(
  audit: Pick<AuditLog, 'find' | 'note'>,
  statistics: Pick<Statistics, 'overview'>,
): Promise<void> {
  const { figures } = await statistics.overview()
  const level = (wanted: string) => figures.find(({ name }) => name === wanted)?.now
  const noted = await audit.find({ action: ACTION, limit: LATEST })
  for (const [of, name] of Object.entries(AUDITS)) {
    const [at, passed] = [level(`${name}.at`), level(`${name}.passed`)]
    if (at === undefined || passed === undefined) continue
    const details = { of, ended: new Date(at * 1_000).toISOString(), passed: passed === 1 }
    if (noted.some((entry) => entry.details === JSON.stringify(details))) continue
    await audit.note({ actor: { kind: 'system' }, action: ACTION, details })
  }
}

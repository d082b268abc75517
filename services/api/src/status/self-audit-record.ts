/** Each self-audit of the relay stands in the audit log once: the relay tells of the last one in its metrics, also after a restart. */
import type { AuditLog } from '@sealpost/audit'
import type { Statistics } from '../statistics/statistics.ts'

const ACTION = 'server.self-audit'

/** To be called hourly or more often. */
export async function recordSelfAudit(
  audit: Pick<AuditLog, 'find' | 'note'>,
  statistics: Pick<Statistics, 'overview'>,
): Promise<void> {
  const { figures } = await statistics.overview()
  const level = (wanted: string) => figures.find(({ name }) => name === wanted)?.now
  const [at, passed] = [level('audit.at'), level('audit.passed')]
  if (at === undefined || passed === undefined) return
  const ended = new Date(at * 1_000).toISOString()
  const [last] = await audit.find({ action: ACTION, limit: 1 })
  if (last !== undefined && (JSON.parse(last.details) as { ended?: unknown }).ended === ended) return
  await audit.note({
    actor: { kind: 'system' },
    action: ACTION,
    details: { ended, passed: passed === 1 },
  })
}

/** What the server does by itself, on record as every act of administration: before it is done, and what became of it. */
import type { AuditAction, AuditLog } from '@sealpost/audit'
import { errorCode } from '@sealpost/errors'

export async function recorded(
  audit: Pick<AuditLog, 'begin'>,
  action: Omit<AuditAction, 'actor'>,
  work: () => Promise<unknown>,
): Promise<void> {
  const begun = await audit.begin({ ...action, actor: { kind: 'system' } })
  try {
    await work()
  } catch (error) {
    await begun.refused(errorCode(error)).catch(() => undefined) // What failed first is what is told.
    throw error
  }
  await begun.done()
}

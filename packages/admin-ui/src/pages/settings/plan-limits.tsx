/** The limits of a plan. */
import { useTranslation } from 'react-i18next'
import type { PlanLimits as Limits } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'

/** In the order of the API. */
export const LIMITS = [
  'recipients_per_message',
  'messages_per_hour',
  'messages_per_day',
  'recipients_per_hour',
  'recipients_per_day',
  'new_recipients_per_day',
  'new_recipients_per_message',
  'list_mails_per_day',
  'mailbox_mib',
  'mailbox_days',
  'upload_file_mib',
  'upload_space_mib',
  'uploads_per_hour',
  'upload_days',
  'session_rest_minutes',
  'session_hours',
] as const

export function PlanLimits({ limits }: { readonly limits: Limits }) {
  const { t } = useTranslation()
  const format = useFormat()
  const set = LIMITS.filter((name) => limits[name] !== undefined)
  if (set.length === 0) return <p className="muted">{t('plans.as_server')}</p>
  return <FactList facts={set.map((name) => [t(`plans.limits.${name}`), format.number(limits[name] ?? 0)])} />
}

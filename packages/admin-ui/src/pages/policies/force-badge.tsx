import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import type { PolicyVersion } from '../../api/types.ts'
import { StateBadge } from '../../parts/state-badge.tsx'

/** Whether a version is in force, will be, or was. Days are in UTC. */
export function ForceBadge({
  policy: { kind, version, effective_on: day },
}: {
  readonly policy: PolicyVersion
}) {
  const { t } = useTranslation()
  const all = useApi('/v1/policies', {})
  const today = new Date().toISOString().slice(0, 10)
  if (day > today) return <StateBadge tone="accent">{t('policies.upcoming')}</StateBadge>
  const isOld = all.data?.items.some(
    (other) => other.kind === kind && other.version > version && other.effective_on <= today,
  )
  if (isOld === true) return <StateBadge tone="quiet">{t('policies.archived')}</StateBadge>
  return <StateBadge tone="good">{t('policies.in_force')}</StateBadge>
}

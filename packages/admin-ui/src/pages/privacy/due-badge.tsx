import { useTranslation } from 'react-i18next'
import type { ReceivedPrivacyRequest } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { StateBadge } from '../../parts/state-badge.tsx'

const DAY_MS = 86_400_000
/** Days before the last one from which it is shown that there are few. */
const SOON_DAYS = 7

/** Until when it is to be answered, or what became of it. */
export function DueBadge({ request }: { readonly request: ReceivedPrivacyRequest }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { state, due_on: due } = request
  if (state !== 'open')
    return (
      <StateBadge tone={state === 'answered' ? 'good' : 'quiet'}>{t(`privacy.states.${state}`)}</StateBadge>
    )
  const left = (Date.parse(due) - Date.now()) / DAY_MS + 1
  const when = format.day(due)
  if (left <= 0) return <StateBadge tone="bad">{t('privacy.overdue_since', { when })}</StateBadge>
  return <StateBadge tone={left < SOON_DAYS ? 'warn' : 'accent'}>{t('privacy.due', { when })}</StateBadge>
}

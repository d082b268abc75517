import { useTranslation } from 'react-i18next'
import { StateBadge } from '../../parts/state-badge.tsx'

/** Why a mail is not tried. */
export function HoldBadge({ hold }: { readonly hold: string }) {
  const { t } = useTranslation()
  return (
    <StateBadge tone="warn">
      {hold === 'suspended' ? t('mail_queue.hold_suspended') : t('mail_queue.held')}
    </StateBadge>
  )
}

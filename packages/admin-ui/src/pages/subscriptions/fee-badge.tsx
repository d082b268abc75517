import { useTranslation } from 'react-i18next'
import type { Subscription } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { StateBadge } from '../../parts/state-badge.tsx'

const TONES = { none: 'good', due: 'warn', overdue: 'bad' } as const
/** From the start, within which whoever leaves gets the fee back. */
const GUARANTEE_DAYS = 7
const DAY_MS = 86_400_000

/** Whether the fee is paid, or has to be given back. */
export function FeeBadge({ subscription: { fee, state } }: { readonly subscription: Subscription }) {
  const { t } = useTranslation()
  if (state === 'refund-due')
    return <StateBadge tone="bad">{t('subscriptions.states.refund-due')}</StateBadge>
  return <StateBadge tone={TONES[fee]}>{t(`subscriptions.fees.${fee}`)}</StateBadge>
}

/** Until when the guarantee of a subscription holds, or that it is over. */
export function useGuarantee(): (subscription: Subscription) => string {
  const { t } = useTranslation()
  const format = useFormat()
  return ({ started_on: started }) => {
    const end = Date.parse(started) + GUARANTEE_DAYS * DAY_MS
    if (end <= Date.now()) return t('subscriptions.guarantee_over')
    return t('subscriptions.guarantee_until', { day: format.day(new Date(end - DAY_MS).toISOString()) })
  }
}

import { useTranslation } from 'react-i18next'
import type { CreditClaim } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

const TONES = { open: 'warn', granted: 'good', refused: 'quiet' } as const

/** How claims are listed, whoever looks. */
export function useClaimColumns(): readonly Column<CreditClaim>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'month',
      label: t('agreement.which_month'),
      isName: true,
      cell: ({ month, component }) => `${month} · ${t(`status.names.${component}`)}`,
    },
    { key: 'filed', label: t('agreement.filed'), cell: ({ filed_on: day }) => format.day(day) },
    {
      key: 'state',
      label: t('accounts.state'),
      cell: ({ state, credit }) => (
        <StateBadge tone={TONES[state]}>
          {state === 'granted' && credit !== undefined
            ? t('agreement.granted', { percent: format.percent(credit / 100, 1) })
            : t(`agreement.states.${state}`)}
        </StateBadge>
      ),
    },
  ]
}

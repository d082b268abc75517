import { useTranslation } from 'react-i18next'
import type { Account } from '../../api/types.ts'
import { StateBadge } from '../../parts/state-badge.tsx'

const TONES = { active: 'good', suspended: 'warn', terminated: 'quiet' } as const

export function AccountStateBadge({ account: { state } }: { readonly account: Pick<Account, 'state'> }) {
  const { t } = useTranslation()
  return <StateBadge tone={TONES[state]}>{t(`account_states.${state}`)}</StateBadge>
}

import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import type { Account } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { AccountStateBadge } from './account-state-badge.tsx'

/** How accounts are listed. */
export function useAccountColumns(): readonly Column<Account>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'jid',
      label: t('accounts.address'),
      isName: true,
      cell: ({ jid }) => <Link href={`/accounts/${encodeURIComponent(jid)}`}>{jid}</Link>,
    },
    { key: 'state', label: t('accounts.state'), cell: (account) => <AccountStateBadge account={account} /> },
    { key: 'created', label: t('accounts.created'), cell: ({ created_on: day }) => format.day(day) },
    {
      key: 'used',
      label: t('accounts.used'),
      cell: ({ last_used_on: day }) => (day === undefined ? t('accounts.never_used') : format.day(day)),
    },
  ]
}

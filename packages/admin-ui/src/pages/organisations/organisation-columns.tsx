import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import type { Organisation } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

/** How organisations are listed. */
export function useOrganisationColumns(): readonly Column<Organisation>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'name',
      label: t('organisations.name'),
      isName: true,
      cell: ({ id, name }) => <Link href={`/organisations/${id}`}>{name}</Link>,
    },
    { key: 'kind', label: t('organisations.kind'), cell: ({ kind }) => t(`organisations.kinds.${kind}`) },
    {
      key: 'state',
      label: t('accounts.state'),
      cell: ({ state }) => (
        <StateBadge tone={state === 'active' ? 'good' : 'warn'}>{t(`account_states.${state}`)}</StateBadge>
      ),
    },
    { key: 'created', label: t('accounts.created'), cell: ({ created_on: day }) => format.day(day) },
  ]
}

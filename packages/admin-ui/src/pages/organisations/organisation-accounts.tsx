/** The accounts of an organisation and of all below it. */
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { useAccountColumns } from '../accounts/account-columns.tsx'

export function OrganisationAccounts({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const columns = useAccountColumns()
  const { result, paging } = usePages('/v1/accounts', { query: { organisation: id } })
  return (
    <SectionCard title={t('accounts.title')}>
      <QueryView query={result}>
        {({ items }) => (
          <DataTable
            label={t('accounts.title')}
            columns={columns}
            rows={items}
            rowKey={(account) => account.id}
            paging={paging}
            empty={<EmptyState icon="accounts" text={t('organisations.no_accounts')} />}
          />
        )}
      </QueryView>
    </SectionCard>
  )
}

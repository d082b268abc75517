/** The organisations directly below a reseller. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { useOrganisationColumns } from './organisation-columns.tsx'
import { OrganisationDialog } from './organisation-dialog.tsx'

export function OrganisationsBelow({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const may = useMay()
  const { result, paging } = usePages('/v1/organisations', { query: { parent: id } })
  const columns = useOrganisationColumns()
  const [isCreating, creating] = useDisclosure(false)
  return (
    <SectionCard
      title={t('organisations.below')}
      actions={
        may('organisations:write') && (
          <Button variant="default" onClick={creating.open}>
            {t('organisations.create')}
          </Button>
        )
      }
    >
      <QueryView query={result}>
        {({ items }) => (
          <DataTable
            label={t('organisations.below')}
            columns={columns}
            rows={items}
            rowKey={(one) => one.id}
            paging={paging}
            empty={<EmptyState icon="organisation" text={t('organisations.none')} />}
          />
        )}
      </QueryView>
      {isCreating && <OrganisationDialog parent={id} onClose={creating.close} />}
    </SectionCard>
  )
}

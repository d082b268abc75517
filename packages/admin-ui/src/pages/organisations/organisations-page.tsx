/** Organisations: customers and resellers, and who is below whom. */
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { useTextFilter } from '../../parts/filters.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { OrganisationDialog } from './organisation-dialog.tsx'
import { useOrganisationColumns } from './organisation-columns.tsx'

export default function OrganisationsPage() {
  const { t } = useTranslation()
  const may = useMay()
  const search = useTextFilter({ label: t('accounts.search') })
  const [isCreating, creating] = useDisclosure(false)
  const { result, paging } = usePages('/v1/organisations', { query: { search: search.value } })
  const columns = useOrganisationColumns()
  return (
    <>
      <ListPage
        title={t('nav.organisations')}
        about={t('organisations.about')}
        create={may('organisations:write') && { label: t('organisations.create'), onClick: creating.open }}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="organisation"
        none={t('organisations.none')}
        filters={{ label: t('organisations.filters'), by: [search] }}
      />
      {isCreating && <OrganisationDialog parent={undefined} onClose={creating.close} />}
    </>
  )
}

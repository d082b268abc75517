/** Organisations: customers and resellers, and who is below whom. */
import { Button, TextInput } from '@mantine/core'
import { useDebouncedValue, useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { Icon } from '../../parts/icon.tsx'
import { ListCard } from '../../parts/list-card.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { OrganisationDialog } from './organisation-dialog.tsx'
import { useOrganisationColumns } from './organisation-columns.tsx'

const TYPING_MS = 250

export default function OrganisationsPage() {
  const { t } = useTranslation()
  const may = useMay()
  const [search, setSearch] = useState('')
  const [searched] = useDebouncedValue(search.trim(), TYPING_MS)
  const [isCreating, creating] = useDisclosure(false)
  const { result, paging } = usePages('/v1/organisations', { query: { search: searched } })
  const columns = useOrganisationColumns()
  return (
    <>
      <PageHeader
        title={t('nav.organisations')}
        about={t('organisations.about')}
        actions={
          may('organisations:write') && (
            <Button leftSection={<Icon name="plus" size={16} />} onClick={creating.open}>
              {t('organisations.create')}
            </Button>
          )
        }
      />
      <ListCard
        label={t('nav.organisations')}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="organisation"
        none={t('organisations.none')}
        filters={{
          label: t('organisations.filters'),
          inputs: (
            <TextInput
              type="search"
              label={t('accounts.search')}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
              leftSection={<Icon name="search" size={16} />}
            />
          ),
        }}
      />
      {isCreating && <OrganisationDialog parent={undefined} onClose={creating.close} />}
    </>
  )
}

/** The accounts: searched, filtered, page by page. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { useApi, usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { useTextFilter, useWordFilter } from '../../parts/filters.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { useAccountColumns } from './account-columns.tsx'
import { CreateAccountDialog } from './create-account-dialog.tsx'
import { ImportDialog } from './import-dialog.tsx'

const STATES = ['active', 'suspended', 'terminated'] as const

export default function AccountsPage() {
  const { t } = useTranslation()
  const may = useMay()
  const [isCreating, creating] = useDisclosure(false)
  const [isImporting, importing] = useDisclosure(false)
  const filters = useFilters()
  const [search, state, domain] = filters
  const query = { search: search.value, state: state.value, domain: domain?.value }
  const { result, paging } = usePages('/v1/accounts', { query })
  const columns = useAccountColumns()
  return (
    <>
      <ListPage
        title={t('accounts.title')}
        about={t('accounts.about')}
        actions={
          <>
            <Button variant="default" component="a" href={exportOf(query)} download>
              {t('accounts.export')}
            </Button>
            {may('accounts:write') && (
              <Button variant="default" onClick={importing.open}>
                {t('accounts.import')}
              </Button>
            )}
          </>
        }
        create={may('accounts:write') && { label: t('accounts.create'), onClick: creating.open }}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="accounts"
        none={t('accounts.none')}
        filters={{ label: t('accounts.filters'), by: filters }}
      />
      <CreateAccountDialog isOpen={isCreating} onClose={creating.close} />
      <ImportDialog isOpen={isImporting} onClose={importing.close} />
    </>
  )
}

/** The domain last, where there is more than one. */
function useFilters() {
  const { t } = useTranslation()
  const may = useMay()
  const domains = useApi('/v1/domains', { isEnabled: may('domains:read') })
  const names = domains.data?.items.map((one) => one.domain) ?? []
  const search = useTextFilter({ label: t('accounts.search'), maxLength: 100 })
  const state = useWordFilter({
    label: t('accounts.state'),
    words: STATES,
    textOf: (word) => t(`account_states.${word}`),
  })
  const domain = useWordFilter({ label: t('accounts.domain'), words: names, textOf: (name) => name })
  return names.length > 1 ? ([search, state, domain] as const) : ([search, state] as const)
}

/** Of those that are shown, as JSON lines. */
function exportOf(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return `/v1/accounts/export?${new URLSearchParams(given as [string, string][]).toString()}`
}

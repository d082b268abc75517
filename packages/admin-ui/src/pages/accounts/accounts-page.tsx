/** The accounts: searched, filtered, page by page. */
import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useDebouncedValue, useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi, usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { Icon } from '../../parts/icon.tsx'
import { ListCard } from '../../parts/list-card.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { useAccountColumns } from './account-columns.tsx'
import { CreateAccountDialog } from './create-account-dialog.tsx'
import { ImportDialog } from './import-dialog.tsx'

const STATES = ['active', 'suspended', 'terminated'] as const
const TYPING_MS = 250

export default function AccountsPage() {
  const { t } = useTranslation()
  const may = useMay()
  const [isCreating, creating] = useDisclosure(false)
  const [isImporting, importing] = useDisclosure(false)
  return (
    <>
      <PageHeader
        title={t('accounts.title')}
        about={t('accounts.about')}
        actions={
          may('accounts:write') && (
            <>
              <Button variant="default" onClick={importing.open}>
                {t('accounts.import')}
              </Button>
              <Button leftSection={<Icon name="plus" size={16} />} onClick={creating.open}>
                {t('accounts.create')}
              </Button>
            </>
          )
        }
      />
      <AccountList />
      <CreateAccountDialog isOpen={isCreating} onClose={creating.close} />
      <ImportDialog isOpen={isImporting} onClose={importing.close} />
    </>
  )
}

function AccountList() {
  const { t } = useTranslation()
  const may = useMay()
  const [search, setSearch] = useState('')
  const [state, setState] = useState('')
  const [domain, setDomain] = useState('')
  const [searched] = useDebouncedValue(search.trim(), TYPING_MS)
  const domains = useApi('/v1/domains', { isEnabled: may('domains:read') })
  const { result, paging } = usePages('/v1/accounts', {
    query: { search: searched, state: STATES.find((one) => one === state), domain },
  })
  const columns = useAccountColumns()
  const names = domains.data?.items.map((one) => one.domain) ?? []
  return (
    <ListCard
      label={t('accounts.title')}
      query={result}
      columns={columns}
      rowKey={({ id }) => id}
      paging={paging}
      icon="accounts"
      none={t('accounts.none')}
      filters={{
        label: t('accounts.filters'),
        inputs: (
          <>
            <TextInput
              type="search"
              label={t('accounts.search')}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
              leftSection={<Icon name="search" size={16} />}
              maxLength={100}
            />
            <NativeSelect
              label={t('accounts.state')}
              value={state}
              onChange={(event) => setState(event.currentTarget.value)}
              data={[
                { value: '', label: t('common.all') },
                ...STATES.map((value) => ({ value, label: t(`account_states.${value}`) })),
              ]}
            />
            {names.length > 1 && (
              <NativeSelect
                label={t('accounts.domain')}
                value={domain}
                onChange={(event) => setDomain(event.currentTarget.value)}
                data={[{ value: '', label: t('common.all') }, ...names]}
              />
            )}
          </>
        ),
      }}
    />
  )
}

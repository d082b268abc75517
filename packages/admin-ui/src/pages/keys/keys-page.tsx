/** The key directory: a certificate is found by one address, fingerprint or key id; nobody can list them. */
import { Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { FilterBar } from '../../parts/filter-bar.tsx'
import { Icon } from '../../parts/icon.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { KeyCard } from './key-card.tsx'
import classes from './keys.module.css'

const SEARCH_CHARS_MIN = 3
const SEARCH_CHARS_MAX = 320

export default function KeysPage() {
  const { t } = useTranslation()
  const [search, setSearch] = useState('')
  const [asked, setAsked] = useState<string>()
  return (
    <>
      <PageHeader title={t('nav.keys')} about={t('keys.about')} />
      <FilterBar label={t('keys.find')}>
        <form
          className={classes.form}
          onSubmit={(event) => {
            event.preventDefault()
            setAsked(search.trim())
          }}
        >
          <TextInput
            type="search"
            label={t('keys.search')}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            leftSection={<Icon name="search" size={16} />}
            minLength={SEARCH_CHARS_MIN}
            maxLength={SEARCH_CHARS_MAX}
            className={classes.search}
            required
          />
          <Button type="submit">{t('keys.find')}</Button>
        </form>
      </FilterBar>
      {asked !== undefined && <Found key={asked} search={asked} />}
    </>
  )
}

function Found({ search }: { readonly search: string }) {
  const { t } = useTranslation()
  const query = useApi('/v1/keys', { query: { search } })
  return (
    <QueryView query={query}>
      {({ items }) =>
        items.length === 0 ? (
          <EmptyState icon="key" text={t('keys.none')} />
        ) : (
          items.map((found) => <KeyCard key={found.fingerprint} found={found} />)
        )
      }
    </QueryView>
  )
}

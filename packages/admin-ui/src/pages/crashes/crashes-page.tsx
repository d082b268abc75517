/** Crashes of clients, by kind: voluntary reports, without what identifies anybody. */
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useApi } from '../../api/queries.ts'
import type { CrashKind } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'

export default function CrashesPage() {
  const { t } = useTranslation()
  const query = useApi('/v1/crash-reports', {})
  const columns = useColumns()
  return (
    <ListPage
      title={t('nav.crashes')}
      about={t('crashes.about')}
      query={query}
      columns={columns}
      rowKey={({ signature }) => signature}
      icon="check"
      none={t('crashes.none')}
    />
  )
}

function useColumns(): readonly Column<CrashKind>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'title',
      label: t('crashes.kind'),
      isName: true,
      cell: ({ signature, title }) => <Link href={`/crashes/${signature}`}>{title}</Link>,
    },
    { key: 'count', label: t('crashes.count'), isNumber: true, cell: ({ count }) => format.number(count) },
    {
      key: 'applications',
      label: t('crashes.applications'),
      cell: ({ applications }) => applications.join(', '),
    },
    { key: 'first', label: t('crashes.first'), cell: ({ first_on: day }) => format.day(day) },
    { key: 'last', label: t('crashes.last'), cell: ({ last_on: day }) => format.day(day) },
  ]
}

/** The desk: mail to postmaster and abuse, which is written to whoever runs the server. */
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useApi } from '../../api/queries.ts'
import type { DeskMail } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

export default function DeskPage() {
  const { t } = useTranslation()
  const format = useFormat()
  const query = useApi('/v1/mail-desk', {})
  const columns: readonly Column<DeskMail>[] = [
    {
      key: 'subject',
      label: t('desk.subject'),
      isName: true,
      cell: ({ id, subject }) => (
        <Link href={`/desk/${id}`}>{subject === '' ? t('desk.no_subject') : subject}</Link>
      ),
    },
    { key: 'from', label: t('desk.from'), cell: ({ from }) => from },
    { key: 'received', label: t('desk.received'), cell: ({ received_at: at }) => format.moment(at) },
    {
      key: 'feedback',
      label: t('desk.report'),
      cell: ({ feedback }) =>
        feedback === undefined ? '–' : <StateBadge tone="accent">{feedback}</StateBadge>,
    },
    { key: 'bytes', label: t('desk.size'), isNumber: true, cell: ({ bytes }) => format.bytes(bytes) },
  ]
  return (
    <ListPage
      title={t('nav.desk')}
      about={t('desk.about')}
      query={query}
      columns={columns}
      rowKey={({ id }) => id}
      icon="check"
      none={t('desk.none')}
    />
  )
}

/** The mails that wait to be delivered: where to and why, never what or from whom. */
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useApi } from '../../api/queries.ts'
import type { QueuedMail } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { useTextFilter } from '../../parts/filters.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RefreshButton } from '../../parts/refresh-button.tsx'
import { HoldBadge } from './hold-badge.tsx'

const LIMIT = 200
const REFRESH_MS = 30_000

export default function MailQueuePage() {
  const { t } = useTranslation()
  const account = useTextFilter({
    label: t('mail_queue.account'),
    placeholder: t('mail_queue.account_hint'),
  })
  const query = useApi('/v1/mail-queue', {
    query: { limit: LIMIT, account: account.value.includes('@') ? account.value : undefined },
    everyMs: REFRESH_MS,
  })
  const columns = useColumns()
  return (
    <ListPage
      title={t('nav.mail_queue')}
      about={t('mail_queue.about')}
      actions={<RefreshButton label={t('common.refresh')} query={query} />}
      query={query}
      columns={columns}
      rowKey={({ id }) => id}
      icon="check"
      none={t('mail_queue.none')}
      filters={{ label: t('mail_queue.filters'), by: [account] }}
    />
  )
}

function useColumns(): readonly Column<QueuedMail>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'to',
      label: t('mail_queue.to'),
      isName: true,
      cell: ({ id, recipients }) => (
        <Link href={`/mail/${id}`}>
          {[...new Set(recipients.map(({ domain }) => domain))].join(', ') || id.slice(0, 8)}
        </Link>
      ),
    },
    { key: 'since', label: t('mail_queue.since'), cell: ({ accepted_at: at }) => format.moment(at) },
    { key: 'bytes', label: t('mail_queue.size'), isNumber: true, cell: ({ bytes }) => format.bytes(bytes) },
    {
      key: 'attempts',
      label: t('mail_queue.attempts'),
      isNumber: true,
      cell: ({ recipients }) => format.number(Math.max(0, ...recipients.map(({ attempts }) => attempts))),
    },
    {
      key: 'why',
      label: t('mail_queue.why'),
      cell: ({ hold, recipients }) => (
        <>
          {hold !== undefined && <HoldBadge hold={hold} />}{' '}
          <span lang="en">{recipients.find(({ reason }) => reason !== undefined)?.reason ?? ''}</span>
        </>
      ),
    },
  ]
}

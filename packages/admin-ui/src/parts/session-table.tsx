/** Where one is signed in: each session, and its end. */
import { useTranslation } from 'react-i18next'
import { useFormat } from '../app/format.ts'
import { DataTable, type Column } from './data-table.tsx'
import { EmptyState } from './empty-state.tsx'
import { RowButton } from './row-button.tsx'
import { StateBadge } from './state-badge.tsx'

export interface ShownSession {
  readonly id: string
  readonly started_at: string
  readonly seen_at: string
  readonly current: boolean
}

export interface SessionTableProps<T extends ShownSession> {
  readonly sessions: readonly T[]
  readonly onEnd: (id: string) => void
  /** What else is known of them. */
  readonly columns?: readonly Column<T>[]
}

export function SessionTable<T extends ShownSession>({
  sessions,
  onEnd,
  columns = [],
}: SessionTableProps<T>) {
  const { t } = useTranslation()
  const format = useFormat()
  const all: readonly Column<T>[] = [
    {
      key: 'began',
      label: t('security.began'),
      isName: true,
      cell: ({ started_at: at, current }) => (
        <>
          {format.moment(at)} {current && <StateBadge tone="accent">{t('security.current')}</StateBadge>}
        </>
      ),
    },
    ...columns,
    { key: 'seen', label: t('security.seen'), cell: ({ seen_at: at }) => format.moment(at) },
    {
      key: 'end',
      label: t('common.action'),
      cell: ({ id, current, started_at: at }) =>
        !current && (
          <RowButton label={t('security.end_named', { when: format.moment(at) })} onClick={() => onEnd(id)}>
            {t('security.end')}
          </RowButton>
        ),
    },
  ]
  return (
    <DataTable
      label={t('security.sessions')}
      columns={all}
      rows={sessions}
      rowKey={({ id }) => id}
      empty={<EmptyState icon="lock" text={t('security.no_sessions')} />}
    />
  )
}

/** How much waits for an account, and how long: never what. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import type { Queue } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'

export function AccountQueues({ jid }: { readonly jid: string }) {
  const { t } = useTranslation()
  const format = useFormat()
  const query = useApi('/v1/accounts/{jid}/queue', { params: { jid } })
  const columns: readonly Column<Queue>[] = [
    {
      key: 'device',
      label: t('queues.queue'),
      isName: true,
      cell: ({ device }) => (device === undefined ? t('queues.shared') : <code>{device.slice(0, 8)}</code>),
    },
    {
      key: 'messages',
      label: t('queues.messages'),
      isNumber: true,
      cell: ({ messages }) => format.number(messages),
    },
    { key: 'bytes', label: t('queues.bytes'), isNumber: true, cell: ({ bytes }) => format.bytes(bytes) },
    {
      key: 'oldest',
      label: t('queues.oldest'),
      isNumber: true,
      cell: ({ oldest_seconds: age }) => (age === undefined ? '–' : format.seconds(age)),
    },
  ]
  return (
    <SectionCard title={t('queues.title')} about={t('queues.about')}>
      <QueryView query={query}>
        {({ items }) => (
          <DataTable
            label={t('queues.title')}
            columns={columns}
            rows={items}
            rowKey={({ device }) => device ?? 'shared'}
            empty={<EmptyState icon="mail" text={t('queues.none')} />}
          />
        )}
      </QueryView>
    </SectionCard>
  )
}

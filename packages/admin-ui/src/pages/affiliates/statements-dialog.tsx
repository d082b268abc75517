/** What an affiliate earned, month by month. */
import { Modal } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import type { Affiliate, Statement } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { useDollars } from './dollars.ts'

export interface StatementsDialogProps {
  readonly affiliate: Affiliate
  readonly onClose: () => void
}

export function StatementsDialog({ affiliate: { id, label }, onClose }: StatementsDialogProps) {
  const { t } = useTranslation()
  const query = useApi('/v1/affiliates/{id}/statements', { params: { id } })
  const columns = useColumns()
  const title = t('affiliates.statements_named', { label })
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={title}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <QueryView query={query}>
        {({ items }) => (
          <DataTable
            label={title}
            columns={columns}
            rows={items}
            rowKey={({ month }) => month}
            empty={<EmptyState icon="plan" text={t('affiliates.no_statements')} />}
          />
        )}
      </QueryView>
    </Modal>
  )
}

function useColumns(): readonly Column<Statement>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const dollars = useDollars()
  return [
    { key: 'month', label: t('affiliates.month'), isName: true, cell: ({ month }) => format.month(month) },
    { key: 'earned', label: t('affiliates.earned'), isNumber: true, cell: ({ cents }) => dollars(cents) },
    {
      key: 'payable',
      label: t('affiliates.payable'),
      isNumber: true,
      cell: ({ payable_cents: cents }) => dollars(cents),
    },
    {
      key: 'carried',
      label: t('affiliates.carried'),
      isNumber: true,
      cell: ({ carried_cents: cents }) => dollars(cents),
    },
    { key: 'issued', label: t('affiliates.issued'), cell: ({ issued_on: day }) => format.day(day) },
  ]
}

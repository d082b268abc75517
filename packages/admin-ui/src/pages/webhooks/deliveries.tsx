/** What waits to be sent, and what was given up; what arrived is forgotten. */
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Delivery } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

export function Deliveries() {
  const { t } = useTranslation()
  const { result, paging } = usePages('/v1/webhook-deliveries', {})
  const again = useCommand({
    method: 'POST',
    path: '/v1/webhook-deliveries/{id}/redeliver',
    changes: ['/v1/webhook-deliveries'],
    done: t('deliveries.again_done'),
  })
  const columns = useColumns((id) => again.run({ params: { id } }))
  return (
    <div className="below">
      <SectionCard title={t('deliveries.title')} about={t('deliveries.about')}>
        <ProblemAlert problem={again.problem} />
        <QueryView query={result}>
          {({ items }) => (
            <DataTable
              label={t('deliveries.title')}
              columns={columns}
              rows={items}
              rowKey={({ id }) => id}
              paging={paging}
              empty={<EmptyState icon="check" text={t('deliveries.none')} />}
            />
          )}
        </QueryView>
      </SectionCard>
    </div>
  )
}

function useColumns(onAgain: (id: string) => void): readonly Column<Delivery>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  return [
    { key: 'type', label: t('deliveries.event'), isName: true, cell: ({ type }) => type },
    {
      key: 'state',
      label: t('webhooks.state'),
      cell: ({ state }) => (
        <StateBadge tone={state === 'dead' ? 'bad' : 'quiet'}>{t(`deliveries.states.${state}`)}</StateBadge>
      ),
    },
    {
      key: 'attempts',
      label: t('mail_queue.attempts'),
      isNumber: true,
      cell: ({ attempts }) => format.number(attempts),
    },
    { key: 'outcome', label: t('deliveries.outcome'), cell: ({ outcome }) => <code>{outcome ?? '–'}</code> },
    { key: 'at', label: t('audit.at'), cell: ({ happened_at: at }) => format.moment(at) },
    {
      key: 'again',
      label: t('common.action'),
      cell: ({ id, state, type }) =>
        state === 'dead' &&
        may('webhooks:write') && (
          <RowButton label={t('deliveries.again_named', { type })} onClick={() => onAgain(id)}>
            {t('deliveries.again')}
          </RowButton>
        ),
    },
  ]
}

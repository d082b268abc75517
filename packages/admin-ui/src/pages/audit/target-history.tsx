/** What was done to one thing, as the audit log has it. */
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import type { AuditEntry } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'

export interface TargetHistoryProps {
  /** Id of an account or of another thing, or a name, as the log has it. */
  readonly target: string
}

export function TargetHistory({ target }: TargetHistoryProps) {
  const { t } = useTranslation()
  const format = useFormat()
  const { result, paging } = usePages('/v1/audit', { query: { target } })
  const columns: readonly Column<AuditEntry>[] = [
    { key: 'action', label: t('audit.action'), isName: true, cell: ({ action }) => action },
    { key: 'phase', label: t('audit.phase'), cell: ({ phase }) => t(`audit.phases.${phase}`) },
    { key: 'actor', label: t('audit.actor'), cell: ({ actor }) => t(`audit.actors.${actor.kind}`) },
    { key: 'reason', label: t('common.reason'), cell: ({ reason }) => reason ?? '–' },
    { key: 'at', label: t('audit.at'), cell: ({ at }) => format.moment(at) },
  ]
  return (
    <QueryView query={result}>
      {({ items }) => (
        <DataTable
          label={t('audit.history')}
          columns={columns}
          rows={items}
          rowKey={({ seq }) => seq}
          paging={paging}
          empty={<EmptyState icon="audit" text={t('audit.none')} />}
        />
      )}
    </QueryView>
  )
}

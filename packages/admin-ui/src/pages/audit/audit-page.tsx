/** The audit log: what administrators did, and whether the log is as it was written. */
import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import { useSession } from '../../api/session.ts'
import type { AuditEntry } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { useTextFilter } from '../../parts/filters.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { AuditEntryDialog } from './audit-entry-dialog.tsx'
import { AuditExport } from './audit-export.tsx'
import { AuditVerdict } from './audit-verdict.tsx'

const TONES = { begun: 'quiet', done: 'good', refused: 'warn' } as const

export default function AuditPage() {
  const { t } = useTranslation()
  const { data: session } = useSession()
  const action = useTextFilter({ label: t('audit.action') })
  const target = useTextFilter({ label: t('audit.target') })
  const from = useTextFilter({ label: t('audit.from'), type: 'date' })
  const until = useTextFilter({ label: t('audit.until'), type: 'date' })
  const [shown, setShown] = useState<AuditEntry>()
  const { result, paging } = usePages('/v1/audit', {
    query: { action: action.value, target: target.value, from: from.value, until: until.value },
  })
  const columns = useColumns(setShown)
  return (
    <>
      <ListPage
        title={t('nav.audit')}
        about={t('audit.about')}
        actions={session?.administrator.organisation === undefined && <OfWholeServer />}
        query={result}
        columns={columns}
        rowKey={({ seq }) => seq}
        paging={paging}
        icon="audit"
        none={t('audit.none')}
        filters={{ label: t('audit.filters'), by: [action, target, from, until] }}
      />
      <AuditEntryDialog entry={shown} onClose={() => setShown(undefined)} />
    </>
  )
}

/** The chain is that of the whole server. */
function OfWholeServer() {
  return (
    <>
      <AuditExport />
      <AuditVerdict />
    </>
  )
}

function useColumns(onShow: (entry: AuditEntry) => void): readonly Column<AuditEntry>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'action',
      label: t('audit.action'),
      isName: true,
      cell: (entry) => (
        <Button
          variant="transparent"
          size="compact-md"
          p={0}
          onClick={() => onShow(entry)}
          aria-label={t('audit.show_named', { seq: entry.seq, action: entry.action })}
        >
          {entry.action}
        </Button>
      ),
    },
    {
      key: 'phase',
      label: t('audit.phase'),
      cell: ({ phase }) => <StateBadge tone={TONES[phase]}>{t(`audit.phases.${phase}`)}</StateBadge>,
    },
    { key: 'actor', label: t('audit.actor'), cell: ({ actor }) => t(`audit.actors.${actor.kind}`) },
    {
      key: 'target',
      label: t('audit.target'),
      cell: ({ target }) => (target === undefined ? '–' : `${target.kind} ${target.id.slice(0, 13)}`),
    },
    { key: 'at', label: t('audit.at'), cell: ({ at }) => format.moment(at) },
  ]
}

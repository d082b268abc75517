/** The audit log: what administrators did, and whether the log is as it was written. */
import { Button, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import type { AuditEntry } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { ListCard } from '../../parts/list-card.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { AuditEntryDialog } from './audit-entry-dialog.tsx'
import { AuditVerdict } from './audit-verdict.tsx'

const TYPING_MS = 400
const TONES = { begun: 'quiet', done: 'good', refused: 'warn' } as const

export default function AuditPage() {
  const { t } = useTranslation()
  const [filters, setFilters] = useState({ action: '', target: '', from: '', until: '' })
  const [asked] = useDebouncedValue(filters, TYPING_MS)
  const [shown, setShown] = useState<AuditEntry>()
  const { result, paging } = usePages('/v1/audit', { query: asked })
  const columns = useColumns(setShown)
  const input = (name: keyof typeof filters, type: 'search' | 'date') => (
    <TextInput
      key={name}
      type={type}
      label={t(`audit.${name}`)}
      value={filters[name]}
      onChange={(event) => {
        const { value } = event.currentTarget
        setFilters((before) => ({ ...before, [name]: value }))
      }}
    />
  )
  return (
    <>
      <PageHeader title={t('nav.audit')} about={t('audit.about')} actions={<AuditVerdict />} />
      <ListCard
        label={t('nav.audit')}
        query={result}
        columns={columns}
        rowKey={({ seq }) => seq}
        paging={paging}
        icon="audit"
        none={t('audit.none')}
        filters={{
          label: t('audit.filters'),
          inputs: [
            input('action', 'search'),
            input('target', 'search'),
            input('from', 'date'),
            input('until', 'date'),
          ],
        }}
      />
      <AuditEntryDialog entry={shown} onClose={() => setShown(undefined)} />
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

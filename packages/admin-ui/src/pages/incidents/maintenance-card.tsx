/** Maintenance: announced two days before, and then not counted as lost. */
import { Button, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useFields } from '../../api/fields.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Incident, Maintenance } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { toInstant } from '../../app/instant.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { ComponentInputs } from './component-inputs.tsx'

const CHANGES = ['/v1/maintenance', '/v1/status']

export function MaintenanceCard() {
  const { t } = useTranslation()
  const may = useMay()
  const [isPlanning, planning] = useDisclosure(false)
  const query = useApi('/v1/maintenance', {})
  const cancel = useCommand({
    method: 'POST',
    path: '/v1/maintenance/{id}/cancel',
    changes: CHANGES,
    done: t('maintenance.cancelled'),
  })
  const columns = useColumns((id) => cancel.run({ params: { id } }))
  return (
    <SectionCard
      title={t('status.maintenance')}
      about={t('maintenance.about')}
      actions={
        may('status:write') && (
          <Button variant="default" onClick={planning.open}>
            {t('maintenance.plan')}
          </Button>
        )
      }
    >
      <ProblemAlert problem={cancel.problem} />
      <QueryView query={query}>
        {({ items }) => (
          <DataTable
            label={t('status.maintenance')}
            columns={columns}
            rows={items}
            rowKey={({ id }) => id}
            empty={<EmptyState icon="check" text={t('status.no_maintenance')} />}
          />
        )}
      </QueryView>
      <PlanDialog isOpen={isPlanning} onClose={planning.close} />
    </SectionCard>
  )
}

function useColumns(onCancel: (id: string) => void): readonly Column<Maintenance>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  return [
    { key: 'summary', label: t('maintenance.summary'), isName: true, cell: ({ summary }) => summary },
    {
      key: 'components',
      label: t('status.components'),
      cell: ({ components }) => components.map((one) => t(`status.names.${one}`)).join(', '),
    },
    { key: 'begins', label: t('maintenance.begins'), cell: ({ begins_at: at }) => format.moment(at) },
    { key: 'ends', label: t('maintenance.ends'), cell: ({ ends_at: at }) => format.moment(at) },
    {
      key: 'action',
      label: t('common.action'),
      cell: ({ id, summary }) =>
        may('status:write') && (
          <RowButton label={t('maintenance.cancel_named', { summary })} onClick={() => onCancel(id)}>
            {t('maintenance.cancel')}
          </RowButton>
        ),
    },
  ]
}

interface PlanDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

function PlanDialog({ isOpen, onClose }: PlanDialogProps) {
  const { t } = useTranslation()
  const [fields, change] = useFields({
    summary: '',
    components: [] as Incident['components'],
    begins_at: '',
    ends_at: '',
  })
  const plan = useCommand({
    method: 'POST',
    path: '/v1/maintenance',
    changes: CHANGES,
    done: t('maintenance.planned'),
    onDone: onClose,
  })
  const body = { ...fields, begins_at: toInstant(fields.begins_at), ends_at: toInstant(fields.ends_at) }
  return (
    <CommandDialog
      isOpen={isOpen}
      onClose={onClose}
      title={t('maintenance.plan')}
      submitLabel={t('maintenance.announce')}
      command={plan}
      onSubmit={() => plan.run({ body })}
    >
      <TextInput
        label={t('maintenance.summary')}
        description={t('incidents.public_hint')}
        value={fields.summary}
        onChange={(event) => change({ summary: event.currentTarget.value })}
        maxLength={200}
        data-autofocus
        required
      />
      <ComponentInputs value={fields.components} onChange={(components) => change({ components })} />
      {(['begins_at', 'ends_at'] as const).map((name) => (
        <TextInput
          key={name}
          type="datetime-local"
          label={t(name === 'begins_at' ? 'maintenance.begins' : 'maintenance.ends')}
          value={fields[name]}
          onChange={(event) => change({ [name]: event.currentTarget.value })}
          required
        />
      ))}
    </CommandDialog>
  )
}

/** Makes a plan, or replaces its limits. */
import { NumberInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { Plan } from '../../api/types.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { LIMITS } from './plan-limits.tsx'
import classes from './settings.module.css'

export interface PlanDialogProps {
  /** Without a name: a new one. */
  readonly plan: Plan
  readonly onClose: () => void
}

export function PlanDialog({ plan, onClose }: PlanDialogProps) {
  const { t } = useTranslation()
  const isNew = plan.name === ''
  const [name, setName] = useState(plan.name)
  const [limits, setLimits] = useState<Readonly<Record<string, number | undefined>>>(plan.limits)
  const set = useCommand({
    method: 'PUT',
    path: '/v1/plans/{name}',
    changes: ['/v1/plans', '/v1/accounts/{jid}/plan'],
    done: t('plans.saved'),
    onDone: onClose,
  })
  return (
    <CommandDialog
      isOpen
      onClose={onClose}
      title={isNew ? t('plans.create') : t('plans.change_named', { name: plan.name })}
      submitLabel={t('common.save')}
      command={set}
      onSubmit={() => set.run({ params: { name }, body: limits })}
    >
      <TextInput
        label={t('plans.name')}
        description={t('plans.name_hint')}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        pattern="[a-z][a-z0-9_\-]*"
        maxLength={32}
        readOnly={!isNew}
        required
      />
      <div className={classes.limits}>
        {LIMITS.map((limit) => (
          <NumberInput
            key={limit}
            label={t(`plans.limits.${limit}`)}
            placeholder={t('plans.as_server_short')}
            value={limits[limit] ?? ''}
            onChange={(value) =>
              setLimits((before) => ({ ...before, [limit]: value === '' ? undefined : Number(value) }))
            }
            min={0}
            allowDecimal={false}
            hideControls
          />
        ))}
      </div>
    </CommandDialog>
  )
}

/** Plans: named limits that accounts are given. */
import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Plan } from '../../api/types.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { PlanDialog } from './plan-dialog.tsx'
import { PlanLimits } from './plan-limits.tsx'

const NEW: Plan = { name: '', limits: {}, accounts: 0 }

export default function PlansPage() {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi('/v1/plans', {})
  const [edited, setEdited] = useState<Plan>()
  return (
    <>
      <PageHeader
        title={t('nav.plans')}
        about={t('plans.about')}
        actions={
          may('plans:write') && (
            <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setEdited(NEW)}>
              {t('plans.create')}
            </Button>
          )
        }
      />
      <QueryView query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon="plan" text={t('plans.none')} />
          ) : (
            items.map((plan) => <PlanCard key={plan.name} plan={plan} onEdit={() => setEdited(plan)} />)
          )
        }
      </QueryView>
      {edited !== undefined && (
        <PlanDialog key={edited.name} plan={edited} onClose={() => setEdited(undefined)} />
      )}
    </>
  )
}

function PlanCard({ plan, onEdit }: { readonly plan: Plan; readonly onEdit: () => void }) {
  const { t } = useTranslation()
  const may = useMay()
  return (
    <SectionCard
      title={plan.name}
      about={t('plans.accounts', { count: plan.accounts })}
      actions={
        may('plans:write') && (
          <>
            <Button
              variant="default"
              onClick={onEdit}
              aria-label={t('plans.change_named', { name: plan.name })}
            >
              {t('common.change')}
            </Button>
            {plan.accounts === 0 && <Remove name={plan.name} />}
          </>
        )
      }
    >
      <PlanLimits limits={plan.limits} />
    </SectionCard>
  )
}

function Remove({ name }: { readonly name: string }) {
  const { t } = useTranslation()
  const [isOpen, setOpen] = useState(false)
  const remove = useCommand({
    method: 'DELETE',
    path: '/v1/plans/{name}',
    changes: ['/v1/plans'],
    done: t('plans.removed'),
  })
  return (
    <>
      <Button variant="default" onClick={() => setOpen(true)} aria-label={t('plans.remove_named', { name })}>
        {t('common.remove')}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title={t('plans.remove_named', { name })}
        consequence={t('plans.remove_consequence')}
        submitLabel={t('common.remove')}
        command={remove}
        onConfirm={() => remove.run({ params: { name } })}
      />
    </>
  )
}

/** Which plan an account has. */
import { Button, Group, NativeSelect } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { PlanLimits } from '../settings/plan-limits.tsx'

/** The API's word for no plan. */
const DEFAULT = 'default'

export function AccountPlan({ jid }: { readonly jid: string }) {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi('/v1/accounts/{jid}/plan', { params: { jid } })
  return (
    <SectionCard title={t('account.plan')} about={t('account.plan_about')}>
      <QueryView query={query}>
        {({ plan, limits }) => (
          <>
            <PlanLimits limits={limits} />
            {may('accounts:write') && <ChoosePlan key={plan} jid={jid} plan={plan} />}
          </>
        )}
      </QueryView>
    </SectionCard>
  )
}

function ChoosePlan({ jid, plan }: { readonly jid: string; readonly plan: string }) {
  const { t } = useTranslation()
  const [chosen, setChosen] = useState(plan)
  const plans = useApi('/v1/plans', {})
  const assign = useCommand({
    method: 'PUT',
    path: '/v1/accounts/{jid}/plan',
    changes: ['/v1/accounts/{jid}/plan', '/v1/plans'],
    done: t('account.plan_set'),
  })
  const names = plans.data?.items.map(({ name }) => name) ?? []
  return (
    <>
      <Group align="end" mt="md">
        <NativeSelect
          label={t('account.plan')}
          value={chosen}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={[{ value: DEFAULT, label: t('plans.default') }, ...names.filter((name) => name !== DEFAULT)]}
        />
        <Button
          variant="default"
          disabled={chosen === plan}
          loading={assign.isRunning}
          onClick={() => assign.run({ params: { jid }, body: { plan: chosen } })}
        >
          {t('common.save')}
        </Button>
      </Group>
      <ProblemAlert problem={assign.problem} />
    </>
  )
}

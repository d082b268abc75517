/** Claims of credit: granted what the agreement says, or refused. */
import { Group } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { CreditClaim } from '../../api/types.ts'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { FilterBar } from '../../parts/filter-bar.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { SubjectLink } from '../../parts/subject-link.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { useClaimColumns } from './claim-columns.tsx'

const STATES: readonly CreditClaim['state'][] = ['open', 'granted', 'refused']

type Decide = (claim: CreditClaim, decision: 'grant' | 'refuse') => void

export function Claims() {
  const { t } = useTranslation()
  const [state, setState] = useState<CreditClaim['state'] | undefined>('open')
  const { result, paging } = usePages('/v1/credit-claims', { query: { state } })
  const decide = useCommand({
    method: 'POST',
    path: '/v1/credit-claims/{id}/decision',
    changes: ['/v1/credit-claims'],
    done: t('agreement.decided'),
  })
  const columns = useColumns(({ id }, decision) => decide.run({ params: { id }, body: { decision } }))
  return (
    <SectionCard title={t('agreement.claims')} about={t('agreement.claims_about')}>
      <ProblemAlert problem={decide.problem} />
      <FilterBar label={t('agreement.filters')}>
        <WordSelect
          label={t('accounts.state')}
          words={STATES}
          value={state}
          onChange={setState}
          textOf={(word) => t(`agreement.states.${word}`)}
          none={t('common.all')}
        />
      </FilterBar>
      <QueryView query={result}>
        {({ items }) => (
          <DataTable
            label={t('agreement.claims')}
            columns={columns}
            rows={items}
            rowKey={({ id }) => id}
            paging={paging}
            empty={<EmptyState icon="check" text={t('agreement.no_claims')} />}
          />
        )}
      </QueryView>
    </SectionCard>
  )
}

function useColumns(onDecide: Decide): readonly Column<CreditClaim>[] {
  const { t } = useTranslation()
  const [month, ...rest] = useClaimColumns()
  const subject: Column<CreditClaim> = {
    key: 'subject',
    label: t('subscriptions.whose'),
    cell: ({ subject: whose, name }) => <SubjectLink {...whose} name={name} />,
  }
  const decide: Column<CreditClaim> = {
    key: 'decide',
    label: t('common.action'),
    cell: (claim) => <Decision claim={claim} onDecide={onDecide} />,
  }
  return [...(month === undefined ? [] : [month]), subject, ...rest, decide]
}

function Decision({ claim, onDecide }: { readonly claim: CreditClaim; readonly onDecide: Decide }) {
  const { t } = useTranslation()
  const may = useMay()
  if (claim.state !== 'open' || !may('billing:write')) return '–'
  const { month } = claim
  return (
    <Group gap={4}>
      <RowButton label={t('agreement.grant_named', { month })} onClick={() => onDecide(claim, 'grant')}>
        {t('agreement.grant')}
      </RowButton>
      <RowButton label={t('agreement.refuse_named', { month })} onClick={() => onDecide(claim, 'refuse')}>
        {t('agreement.refuse')}
      </RowButton>
    </Group>
  )
}

/** The service-level agreement: what was kept in a month, and who claims credit for what was not. */
import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Answer } from '../../api/operations.ts'
import { useApi } from '../../api/queries.ts'
import { useFormat } from '../../app/format.ts'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Claims } from './claims.tsx'

type Kept = Answer<'GET', '/v1/sla/report'>['components'][number]

export default function AgreementPage() {
  const { t } = useTranslation()
  return (
    <>
      <PageHeader title={t('nav.agreement')} about={t('agreement.about')} />
      <Month />
      <Claims />
    </>
  )
}

function Month() {
  const { t } = useTranslation()
  const format = useFormat()
  const thisMonth = new Date().toISOString().slice(0, 7)
  const [month, setMonth] = useState(thisMonth)
  const query = useApi('/v1/sla/report', { query: { month } })
  return (
    <SectionCard
      title={t('agreement.month')}
      about={query.data && t('status.target', { percent: format.percent(query.data.target / 100, 1) })}
      actions={
        <TextInput
          type="month"
          label={t('agreement.which_month')}
          value={month}
          max={thisMonth}
          onChange={(event) => event.currentTarget.value !== '' && setMonth(event.currentTarget.value)}
        />
      }
    >
      <QueryView query={query}>
        {({ components, target }) => <KeptTable kept={components} target={target} />}
      </QueryView>
    </SectionCard>
  )
}

function KeptTable({ kept, target }: { readonly kept: readonly Kept[]; readonly target: number }) {
  const { t } = useTranslation()
  const format = useFormat()
  const columns: readonly Column<Kept>[] = [
    {
      key: 'component',
      label: t('agreement.component'),
      isName: true,
      cell: ({ component }) => t(`status.names.${component}`),
    },
    {
      key: 'availability',
      label: t('agreement.availability'),
      isNumber: true,
      cell: ({ availability, minutes }) =>
        minutes === 0 ? (
          t('status.never_probed')
        ) : (
          <StateBadge tone={availability < target ? 'bad' : 'good'}>
            {format.percent(availability / 100, 2)}
          </StateBadge>
        ),
    },
    { key: 'lost', label: t('agreement.lost'), isNumber: true, cell: ({ lost }) => format.number(lost) },
    {
      key: 'counted',
      label: t('agreement.counted'),
      isNumber: true,
      cell: ({ counted }) => format.number(counted),
    },
    {
      key: 'credit',
      label: t('agreement.credit'),
      isNumber: true,
      cell: ({ credit }) => format.percent(credit / 100, 1),
    },
  ]
  return (
    <DataTable
      label={t('agreement.month')}
      columns={columns}
      rows={kept}
      rowKey={({ component }) => component}
      empty={<EmptyState icon="pulse" text={t('agreement.nothing')} />}
    />
  )
}

/** One of the statistics over time. */
import { NativeSelect } from '@mantine/core'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { Chart } from '../../parts/chart.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import type { ShownSeries } from './series.ts'
import { useShowValue } from './show-value.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const SPANS = [1, 7, 30, 90, 365] as const

export function SeriesCard({ name }: { readonly name: ShownSeries }) {
  const { t } = useTranslation()
  const show = useShowValue()
  const [days, setDays] = useState<(typeof SPANS)[number]>(1)
  const from = useMemo(
    () => new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - days * DAY_MS).toISOString(),
    [days],
  )
  const query = useApi('/v1/statistics/series', { query: { name, from } })
  const title = t(`series.${name}`)
  return (
    <SectionCard
      title={title}
      actions={
        <NativeSelect
          size="xs"
          aria-label={t('overview.span_of', { name: title })}
          value={String(days)}
          onChange={(event) =>
            setDays(SPANS.find((count) => String(count) === event.currentTarget.value) ?? 1)
          }
          data={SPANS.map((count) => ({ value: String(count), label: t('overview.days', { count }) }))}
        />
      }
    >
      <QueryView query={query}>
        {({ kind, unit, step, items }) => (
          <Chart
            label={title}
            kind={kind === 'count' ? 'bars' : 'line'}
            points={items.map(({ at, value }) => ({ at, value }))}
            step={step}
            show={(value) => show(value, unit)}
            none={t('overview.nothing')}
          />
        )}
      </QueryView>
    </SectionCard>
  )
}

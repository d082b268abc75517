/** All statistics over time, by area: sums over everybody, never about anybody. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { FilterBar } from '../../parts/filter-bar.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import classes from '../overview/overview.module.css'
import { SeriesCard } from '../overview/series-card.tsx'
import { AREAS } from '../overview/series.ts'

const NAMES = ['accounts', 'chat', 'mail', 'keys', 'other'] as const

export default function StatisticsPage() {
  const { t } = useTranslation()
  const [area, setArea] = useState<(typeof NAMES)[number]>('chat')
  return (
    <>
      <PageHeader title={t('nav.statistics')} about={t('overview.about')} />
      <FilterBar label={t('statistics.area')}>
        <WordSelect
          label={t('statistics.area')}
          words={NAMES}
          value={area}
          onChange={(name) => name && setArea(name)}
          textOf={(name) => t(`statistics.areas.${name}`)}
        />
      </FilterBar>
      <div className={classes.charts}>
        {AREAS[area].map((name) => (
          <SeriesCard key={name} name={name} />
        ))}
      </div>
    </>
  )
}

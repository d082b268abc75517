/** How the server is doing: sums over everybody, never about anybody. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { useFormat } from '../../app/format.ts'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { Figures } from './figures.tsx'
import classes from './overview.module.css'
import { SeriesCard } from './series-card.tsx'
import { SelfAudits } from './self-audits.tsx'
import { CHARTS } from './series.ts'

const REFRESH_MS = 60_000

export default function OverviewPage() {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const query = useApi('/v1/statistics/overview', { everyMs: REFRESH_MS })
  return (
    <>
      <PageHeader
        title={t('nav.overview')}
        about={
          query.data?.at === undefined
            ? t('overview.about')
            : t('overview.collected', { when: format.moment(query.data.at) })
        }
      />
      <QueryView query={query}>
        {({ away, items }) => (
          <>
            {away.length > 0 && (
              <p>
                <StateBadge tone="bad">{t('overview.away', { services: away.join(', ') })}</StateBadge>
              </p>
            )}
            <Figures figures={items} />
            {may('status:read') && <SelfAudits />}
            <div className={classes.charts}>
              {CHARTS.map((name) => (
                <SeriesCard key={name} name={name} />
              ))}
            </div>
          </>
        )}
      </QueryView>
    </>
  )
}

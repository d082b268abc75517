/** `/status`: how the service is, for everybody. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../api/queries.ts'
import type { PublicStatus } from '../api/types.ts'
import { Brand } from '../app/brand.tsx'
import { useFormat } from '../app/format.ts'
import { Preferences } from '../app/preferences.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { PageHeader } from '../parts/page-header.tsx'
import { QueryView } from '../parts/query-view.tsx'
import { SectionCard } from '../parts/section-card.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { IncidentList } from './status/incident-list.tsx'
import { DayBars } from './status/day-bars.tsx'
import { Proof } from './status/proof.tsx'
import { STATE_TONES } from './status/state-tones.ts'
import classes from './status/status.module.css'

const REFRESH_MS = 60_000

export default function StatusArea() {
  const { t } = useTranslation()
  const query = useApi('/v1/status', { everyMs: REFRESH_MS })
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        <Brand />
        <div className={classes.preferences}>
          <Preferences />
        </div>
      </header>
      <main>
        <PageHeader title={t('status.title')} about={t('status.about')} />
        <QueryView query={query}>{(status) => <Status status={status} />}</QueryView>
      </main>
    </div>
  )
}

/** For pages elsewhere. */
function badgeOf(name: string): string {
  return `/v1/status/badges/${name}.svg`
}

function Status({ status }: { readonly status: PublicStatus }) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <>
      <p className={classes.now} role="status">
        <StateBadge tone={STATE_TONES[status.state]}>{t(`status.states.${status.state}`)}</StateBadge>
        <span className="muted">{t('status.as_of', { when: format.moment(status.at) })}</span>
      </p>
      <SectionCard
        title={t('status.components')}
        about={t('status.target', { percent: format.percent(status.target / 100, 1) })}
      >
        {status.components.map((component) => (
          <Component key={component.id} component={component} />
        ))}
      </SectionCard>
      <SectionCard title={t('status.maintenance')}>
        {status.maintenance.length === 0 ? (
          <EmptyState icon="check" text={t('status.no_maintenance')} />
        ) : (
          <ul className={classes.list}>
            {status.maintenance.map(({ id, summary, begins_at: begins, ends_at: ends }) => (
              <li key={id}>
                <strong>{summary}</strong>
                <br />
                {t('status.from_to', { from: format.moment(begins), to: format.moment(ends) })}
              </li>
            ))}
          </ul>
        )}
      </SectionCard>
      <SectionCard title={t('status.incidents')} about={t('status.incidents_about')}>
        <IncidentList incidents={status.incidents} />
      </SectionCard>
      <Proof status={status} />
      <SectionCard title={t('status.follow')} about={t('status.follow_about')}>
        <ul className={classes.follow}>
          <li>
            <a href="/status.atom">{t('status.feed')}</a>
          </li>
          <li>
            <a href="/v1/status">{t('status.json')}</a>
          </li>
          {['all', ...status.components.map(({ id }) => id)].map((name) => (
            <li key={name}>
              <a href={badgeOf(name)}>
                <img src={badgeOf(name)} alt={t('status.badge', { name })} width="150" height="20" />
              </a>
            </li>
          ))}
        </ul>
      </SectionCard>
    </>
  )
}

function Component({ component }: { readonly component: PublicStatus['components'][number] }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { id, state, availability, days } = component
  const name = t(`status.names.${id}`)
  return (
    <section className={classes.component} aria-label={name}>
      <div className={classes.componentHead}>
        <h3 className={classes.name}>{name}</h3>
        <StateBadge tone={STATE_TONES[state]}>{t(`status.states.${state}`)}</StateBadge>
      </div>
      <DayBars name={name} days={days} />
      <p className="muted">
        {availability === undefined
          ? t('status.never_probed')
          : t('status.this_month', { percent: format.percent(availability / 100, 2) })}
      </p>
    </section>
  )
}

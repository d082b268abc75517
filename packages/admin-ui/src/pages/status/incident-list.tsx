/** Incidents with what was said of them. */
import { useTranslation } from 'react-i18next'
import type { PublicStatus } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import classes from './status.module.css'

export function IncidentList({ incidents }: Pick<PublicStatus, 'incidents'>) {
  const { t } = useTranslation()
  const format = useFormat()
  if (incidents.length === 0) return <EmptyState icon="check" text={t('status.no_incidents')} />
  return (
    <ul className={classes.list}>
      {incidents.map(({ id, title, began_at: began, ended_at: ended, updates, report }) => (
        <li key={id}>
          <strong>{title}</strong>{' '}
          {ended === undefined && <StateBadge tone="bad">{t('status.open')}</StateBadge>}
          <p className="muted">
            {ended === undefined
              ? t('status.since', { when: format.moment(began) })
              : t('status.from_to', { from: format.moment(began), to: format.moment(ended) })}
          </p>
          <ul>
            {updates.map(({ at, text }) => (
              <li key={at}>
                <span className="muted">{format.moment(at)}</span> {text}
              </li>
            ))}
          </ul>
          {report !== undefined && <p className={classes.report}>{report}</p>}
        </li>
      ))}
    </ul>
  )
}

/** What the operator tells: announcements, amendments, maintenance that is near. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useFormat } from '../../app/format.ts'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import classes from './account.module.css'

export function OwnNotices() {
  const { t } = useTranslation()
  const format = useFormat()
  const { data } = useApi('/v1/me/notices', {})
  if (data === undefined || data.items.length === 0) return null
  return (
    <SectionCard title={t('own.notices.title')}>
      <ul className={classes.notices}>
        {data.items.map(({ id, kind, title, body, created_at: at, starts_at: from, ends_at: to }) => (
          <li key={id}>
            <h3 className={classes.noticeTitle}>{title}</h3>
            <p className="muted">
              <StateBadge tone={kind === 'announcement' ? 'accent' : 'warn'}>
                {t(`own.notices.kinds.${kind}`)}
              </StateBadge>{' '}
              {from !== undefined && to !== undefined
                ? t('status.from_to', { from: format.moment(from), to: format.moment(to) })
                : format.moment(at)}
            </p>
            <p className={classes.noticeText}>{body}</p>
          </li>
        ))}
      </ul>
    </SectionCard>
  )
}

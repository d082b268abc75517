/** Ninety days, a bar each: what was lost is told in words, too. */
import { useTranslation } from 'react-i18next'
import type { PublicStatus } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import classes from './status.module.css'

type Day = PublicStatus['components'][number]['days'][number]

const DAYS = 90
/** Minutes lost in a day above which it counts as a bad one. */
const BAD_MINUTES = 30

function classOf(day: Day | undefined): string | undefined {
  if (day === undefined || day.good + day.lost === 0) return classes.unknown
  if (day.lost === 0) return classes.good
  return day.lost < BAD_MINUTES ? classes.warn : classes.bad
}

export function DayBars({ name, days }: { readonly name: string; readonly days: readonly Day[] }) {
  const { t } = useTranslation()
  const format = useFormat()
  const shown = [
    ...Array.from<Day | undefined>({ length: Math.max(0, DAYS - days.length) }),
    ...days.slice(-DAYS),
  ]
  const lost = days.filter((day) => day.lost > 0)
  const summary = [
    t('status.bars', { name, count: days.length }),
    ...lost.map(({ day, lost: minutes }) =>
      t('status.lost', { day: format.day(day), minutes: format.number(minutes) }),
    ),
  ].join(' ')
  return (
    <div className={classes.bars} role="img" aria-label={summary}>
      {shown.map((day, index) => (
        <span
          key={day?.day ?? `before-${String(index)}`}
          className={classOf(day)}
          title={day && t('status.lost', { day: format.day(day.day), minutes: format.number(day.lost) })}
        />
      ))}
    </div>
  )
}

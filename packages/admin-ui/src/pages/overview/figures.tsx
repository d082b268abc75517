/** Numbers of the moment and of the last day. */
import { Paper } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { ItemOf } from '../../api/operations.ts'
import classes from './overview.module.css'
import { FIGURES } from './series.ts'
import { useShowValue } from './show-value.ts'

type Figure = ItemOf<'/v1/statistics/overview'>

export function Figures({ figures }: { readonly figures: readonly Figure[] }) {
  const { t } = useTranslation()
  const show = useShowValue()
  const byName = new Map(figures.map((figure) => [figure.name, figure]))
  return (
    <dl className={classes.figures}>
      {FIGURES.map((name) => {
        const figure = byName.get(name)
        const value = figure?.kind === 'level' ? figure.now : figure?.last_day?.value
        return (
          <Paper key={name} className={classes.figure}>
            <dt className={classes.label}>{t(`series.${name}`)}</dt>
            <dd className={classes.value}>{value === undefined ? '–' : show(value, figure?.unit ?? '')}</dd>
          </Paper>
        )
      })}
    </dl>
  )
}

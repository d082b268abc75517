/** A part of a page with a heading of its own. */
import { Group, Paper } from '@mantine/core'
import { useId, type ReactNode } from 'react'
import classes from './section-card.module.css'

export interface SectionCardProps {
  readonly title: string
  readonly about?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}

export function SectionCard({ title, about, actions, children }: SectionCardProps) {
  const id = useId()
  return (
    <Paper component="section" aria-labelledby={id} className={classes.card}>
      <div className={classes.head}>
        <div>
          <h2 id={id} className={classes.title}>
            {title}
          </h2>
          {about !== undefined && <p className={classes.about}>{about}</p>}
        </div>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </div>
      {children}
    </Paper>
  )
}

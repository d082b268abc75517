/** What narrows a list. */
import type { ReactNode } from 'react'
import classes from './filter-bar.module.css'

export interface FilterBarProps {
  readonly label: string
  readonly children: ReactNode
}

export function FilterBar({ label, children }: FilterBarProps) {
  return (
    <search aria-label={label} className={classes.bar}>
      {children}
    </search>
  )
}

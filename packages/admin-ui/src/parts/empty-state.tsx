/** There is nothing: which is said, with what to do about it. */
import type { ReactNode } from 'react'
import classes from './empty-state.module.css'
import { Icon, type IconName } from './icon.tsx'

export interface EmptyStateProps {
  readonly icon: IconName
  readonly text: string
  readonly action?: ReactNode
}

export function EmptyState({ icon, text, action }: EmptyStateProps) {
  return (
    <div className={classes.empty}>
      <Icon name={icon} size={32} />
      <p className={classes.text}>{text}</p>
      {action}
    </div>
  )
}

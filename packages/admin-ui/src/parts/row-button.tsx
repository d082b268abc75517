import { Button } from '@mantine/core'
import type { ReactNode } from 'react'

export interface RowButtonProps {
  /** What it does, and to what: a row has a button like that of every other. */
  readonly label: string
  readonly onClick: () => void
  readonly isRunning?: boolean
  readonly children: ReactNode
}

/** An action on one row of a table. */
export function RowButton({ label, onClick, isRunning, children }: RowButtonProps) {
  return (
    <Button size="compact-sm" variant="default" onClick={onClick} loading={isRunning} aria-label={label}>
      {children}
    </Button>
  )
}

/** Does something at once; beside it, why that was refused. */
import { Button } from '@mantine/core'
import type { CommandState } from '../api/commands.ts'
import { ProblemAlert } from './problem-alert.tsx'

export interface ActionButtonProps {
  readonly label: string
  readonly command: CommandState
  readonly onClick: () => void
}

export function ActionButton({ label, command, onClick }: ActionButtonProps) {
  return (
    <>
      <Button variant="default" loading={command.isRunning} onClick={onClick}>
        {label}
      </Button>
      <ProblemAlert problem={command.problem} />
    </>
  )
}

/** A button, and the question that comes before what it does. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { ReactNode } from 'react'
import type { CommandState } from '../api/commands.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'

export interface ConfirmedActionProps {
  readonly label: string
  /** Of the dialog, where the label is too short. */
  readonly title?: string
  readonly consequence: string
  readonly command: CommandState
  /** `close` is to be called when it is done. */
  readonly onConfirm: (reason: string, close: () => void) => void
  readonly asksWhy?: boolean
  /** To be typed: this cannot be undone. */
  readonly nameToType?: string
  /** It destroys or takes away: the button says so, too. */
  readonly isDangerous?: boolean
  readonly children?: ReactNode
}

export function ConfirmedAction(props: ConfirmedActionProps) {
  const { label, title = label, isDangerous = false, onConfirm, children, ...rest } = props
  const [isOpen, dialog] = useDisclosure(false)
  return (
    <>
      <Button
        variant={isDangerous ? undefined : 'default'}
        className={isDangerous ? 'dangerous' : undefined}
        onClick={dialog.open}
      >
        {label}
      </Button>
      <ConfirmDialog
        {...rest}
        isOpen={isOpen}
        onClose={dialog.close}
        title={title}
        submitLabel={label}
        onConfirm={(reason) => onConfirm(reason, dialog.close)}
      >
        {children}
      </ConfirmDialog>
    </>
  )
}

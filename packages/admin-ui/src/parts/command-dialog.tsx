/** A form in a dialog that sends one command: closed when it is done, with the problem in it when it is refused. */
import { Button, Group, Modal, Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { CommandState } from '../api/commands.ts'
import { ProblemAlert } from './problem-alert.tsx'

export interface CommandDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly title: string
  readonly command: CommandState
  /** The form is complete. */
  readonly onSubmit: () => void
  readonly submitLabel: string
  readonly isDangerous?: boolean
  readonly children: ReactNode
}

export function CommandDialog(props: CommandDialogProps) {
  const { isOpen, onClose, title, command, onSubmit, submitLabel, isDangerous = false, children } = props
  const { t } = useTranslation()
  const close = (): void => {
    command.reset()
    onClose()
  }
  return (
    <Modal
      opened={isOpen}
      onClose={close}
      title={title}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          onSubmit()
        }}
      >
        <Stack gap="md">
          {children}
          <ProblemAlert problem={command.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button
              type="submit"
              loading={command.isRunning}
              className={isDangerous ? 'dangerous' : undefined}
            >
              {submitLabel}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

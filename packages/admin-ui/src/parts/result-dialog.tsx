/** Shows what the server answers only once, until it is closed on purpose. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

export interface ResultDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly title: string
  readonly about: string
  readonly children: ReactNode
}

export function ResultDialog({ isOpen, onClose, title, about, children }: ResultDialogProps) {
  const { t } = useTranslation()
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={title}
      closeOnClickOutside={false}
      withCloseButton={false}
    >
      <Stack>
        <Text>{about}</Text>
        {children}
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('common.done')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}

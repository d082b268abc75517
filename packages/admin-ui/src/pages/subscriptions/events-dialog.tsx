/** What the billing system, or an administrator, said of a subscription, and what followed. */
import { Modal } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Subscription } from '../../api/types.ts'
import { TargetHistory } from '../audit/target-history.tsx'

export interface EventsDialogProps {
  readonly subscription: Subscription
  readonly onClose: () => void
}

export function EventsDialog({ subscription: { organisation, account, name }, onClose }: EventsDialogProps) {
  const { t } = useTranslation()
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={t('subscriptions.events_of', { name: name ?? '' })}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <TargetHistory target={organisation ?? account ?? ''} />
    </Modal>
  )
}

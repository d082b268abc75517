import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { Webhook } from '../../api/types.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'

export interface RemoveWebhookDialogProps {
  /** Undefined: closed. */
  readonly webhook: Webhook | undefined
  readonly onClose: () => void
}

export function RemoveWebhookDialog({ webhook, onClose }: RemoveWebhookDialogProps) {
  const { t } = useTranslation()
  const remove = useCommand({
    method: 'DELETE',
    path: '/v1/webhooks/{id}',
    changes: ['/v1/webhook'],
    done: t('webhooks.removed'),
    onDone: onClose,
  })
  return (
    <ConfirmDialog
      isOpen={webhook !== undefined}
      onClose={onClose}
      title={t('webhooks.remove_named', { url: webhook?.url ?? '' })}
      consequence={t('webhooks.remove_consequence')}
      submitLabel={t('common.remove')}
      command={remove}
      onConfirm={() => webhook && remove.run({ params: { id: webhook.id } })}
    />
  )
}

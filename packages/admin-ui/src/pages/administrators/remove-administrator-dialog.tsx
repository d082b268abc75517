import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { Administrator } from '../../api/types.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'

export interface RemoveAdministratorDialogProps {
  /** Undefined: closed. */
  readonly administrator: Administrator | undefined
  readonly onClose: () => void
}

export function RemoveAdministratorDialog({ administrator, onClose }: RemoveAdministratorDialogProps) {
  const { t } = useTranslation()
  const remove = useCommand({
    method: 'DELETE',
    path: '/v1/administrators/{id}',
    changes: ['/v1/administrators', '/v1/organisations'],
    done: t('administrators.removed'),
    onDone: onClose,
  })
  return (
    <ConfirmDialog
      isOpen={administrator !== undefined}
      onClose={onClose}
      title={t('administrators.remove_named', { name: administrator?.name ?? '' })}
      consequence={t('administrators.remove_consequence')}
      submitLabel={t('common.remove')}
      command={remove}
      asksWhy
      onConfirm={(reason) => administrator && remove.run({ params: { id: administrator.id }, reason })}
    />
  )
}

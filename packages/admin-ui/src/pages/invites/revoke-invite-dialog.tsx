import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { Invite } from '../../api/types.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'

export interface RevokeInviteDialogProps {
  /** Undefined: closed. */
  readonly invite: Invite | undefined
  readonly onClose: () => void
}

export function RevokeInviteDialog({ invite, onClose }: RevokeInviteDialogProps) {
  const { t } = useTranslation()
  const revoke = useCommand({
    method: 'DELETE',
    path: '/v1/invites/{id}',
    changes: ['/v1/invites'],
    done: t('invites.revoked'),
    onDone: onClose,
  })
  return (
    <ConfirmDialog
      isOpen={invite !== undefined}
      onClose={onClose}
      title={t('invites.revoke_title')}
      consequence={t('invites.revoke_consequence')}
      submitLabel={t('invites.revoke')}
      command={revoke}
      onConfirm={() => invite && revoke.run({ params: { id: invite.id } })}
    />
  )
}

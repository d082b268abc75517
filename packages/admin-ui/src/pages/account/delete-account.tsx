/** The end of the account, at once and for ever: with the password, and the address typed. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useOwnSession } from '../../api/own-account.ts'
import { useReloadSession } from '../../api/session.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { PasswordField } from './new-password.tsx'

const PATH = '/v1/me/privacy-requests'

export function DeleteAccount() {
  const { t } = useTranslation()
  const [isOpen, dialog] = useDisclosure(false)
  return (
    <SectionCard title={t('own.delete.title')} about={t('own.delete.about')}>
      <Button className="dangerous" onClick={dialog.open}>
        {t('own.delete.submit')}
      </Button>
      {isOpen && <DeleteAccountDialog onClose={dialog.close} />}
    </SectionCard>
  )
}

export interface DeleteAccountDialogProps {
  /** Id of one that an administrator recorded for its owner to confirm. */
  readonly request?: string
  readonly onClose: () => void
}

export function DeleteAccountDialog({ request, onClose }: DeleteAccountDialogProps) {
  const { t } = useTranslation()
  const jid = useOwnSession().data?.account.jid ?? ''
  const [password, setPassword] = useState('')
  const reload = useReloadSession()
  const ending = { method: 'POST', done: t('own.delete.done'), onDone: () => void reload() } as const
  const ask = useCommand({ ...ending, path: PATH })
  const confirm = useCommand({ ...ending, path: `${PATH}/{request}/confirm` })
  const end = (): void => {
    if (request === undefined) ask.run({ body: { kind: 'deletion', password } })
    else confirm.run({ params: { request }, body: { password } })
  }
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={t('own.delete.title')}
      consequence={t('own.delete.consequence')}
      submitLabel={t('own.delete.submit')}
      command={request === undefined ? ask : confirm}
      nameToType={jid}
      onConfirm={end}
    >
      <PasswordField
        label={t('own.password.old')}
        value={password}
        onChange={setPassword}
        autoComplete="current-password"
        hasFocus
      />
    </ConfirmDialog>
  )
}

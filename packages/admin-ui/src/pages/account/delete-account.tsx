/** The end of the account, at once and for ever: with the password, and the address typed. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useOwnAccount } from '../../api/own-account.ts'
import { useReloadSession } from '../../api/session.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { PasswordField } from './new-password.tsx'

export function DeleteAccount() {
  const { t } = useTranslation()
  const { data: account } = useOwnAccount()
  const [isOpen, dialog] = useDisclosure(false)
  const [password, setPassword] = useState('')
  const reload = useReloadSession()
  const end = useCommand({
    method: 'POST',
    path: '/v1/me/privacy-requests',
    done: t('own.delete.done'),
    onDone: () => void reload(),
  })
  return (
    <SectionCard title={t('own.delete.title')} about={t('own.delete.about')}>
      <Button className="dangerous" onClick={dialog.open}>
        {t('own.delete.submit')}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={dialog.close}
        title={t('own.delete.title')}
        consequence={t('own.delete.consequence')}
        submitLabel={t('own.delete.submit')}
        command={end}
        nameToType={account?.jid ?? ''}
        onConfirm={() => end.run({ body: { kind: 'deletion', password } })}
      >
        <PasswordField
          label={t('own.password.old')}
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
        />
      </ConfirmDialog>
    </SectionCard>
  )
}

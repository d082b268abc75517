/** What one signs in with: the password, passwords of programs, and where one is signed in. */
import { Button, Checkbox } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useModules } from '../../api/own-account.ts'
import { useReloadSession } from '../../api/session.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { AppPasswords } from './app-passwords.tsx'
import { ChangePassword } from './change-password.tsx'
import { OwnPhone } from './own-phone.tsx'
import { PageSessions } from './page-sessions.tsx'

export default function OwnSignInPage() {
  const { t } = useTranslation()
  const modules = useModules()
  return (
    <>
      <PageHeader title={t('own.nav.sign_in')} about={t('own.sign_in_page.about')} />
      <ChangePassword />
      <AppPasswords />
      {modules.includes('phone') && <OwnPhone />}
      <PageSessions />
      <SignOutEverywhere />
    </>
  )
}

function SignOutEverywhere() {
  const { t } = useTranslation()
  const [isOpen, dialog] = useDisclosure(false)
  const [revokes, setRevokes] = useState(false)
  const reload = useReloadSession()
  const run = useCommand({
    method: 'POST',
    path: '/v1/me/sign-out',
    done: t('own.sign_out.done'),
    onDone: () => void reload(),
  })
  return (
    <SectionCard title={t('own.sign_out.title')} about={t('own.sign_out.about')}>
      <Button variant="default" onClick={dialog.open}>
        {t('own.sign_out.submit')}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={dialog.close}
        title={t('own.sign_out.title')}
        consequence={t('own.sign_out.consequence')}
        submitLabel={t('own.sign_out.submit')}
        command={run}
        onConfirm={() => run.run({ body: { revoke_app_passwords: revokes } })}
      >
        <Checkbox
          label={t('own.password.revoke')}
          checked={revokes}
          onChange={(event) => setRevokes(event.currentTarget.checked)}
        />
      </ConfirmDialog>
    </SectionCard>
  )
}

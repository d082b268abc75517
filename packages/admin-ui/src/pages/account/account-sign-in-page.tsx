import { Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAccountSignIn } from '../../api/own-account.ts'
import { Front } from '../../app/front.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

/** Address and password, as in a chat or mail program. */
export function AccountSignInPage() {
  const { t } = useTranslation()
  const [jid, setJid] = useState('')
  const [password, setPassword] = useState('')
  const signIn = useAccountSignIn()
  return (
    <Front title={t('own.sign_in.title')} about={t('own.sign_in.about')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          signIn.mutate({ jid: jid.trim(), password })
        }}
      >
        <Stack>
          <TextInput
            type="email"
            label={t('accounts.address')}
            value={jid}
            onChange={(event) => setJid(event.currentTarget.value)}
            autoComplete="username"
            autoFocus
            required
          />
          <PasswordInput
            label={t('own.sign_in.password')}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="current-password"
            visibilityToggleButtonProps={{ 'aria-label': t('own.sign_in.show_password') }}
            required
          />
          <ProblemAlert problem={signIn.error} />
          <Button type="submit" loading={signIn.isPending}>
            {t('sign_in.submit')}
          </Button>
        </Stack>
      </form>
    </Front>
  )
}

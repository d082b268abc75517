/** The sign-in of administrators: a passkey, and for those who have none at hand a one-time code or a recovery code. */
import { Button, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { signChallenge } from '../../api/passkeys.ts'
import type { Problem } from '../../api/problem.ts'
import { request } from '../../api/request.ts'
import { useReloadSession } from '../../api/session.ts'
import { Front } from '../../app/front.tsx'
import { Icon } from '../../parts/icon.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { CodeForm, type CodeKind } from './code-form.tsx'

async function signInWithPasskey(): Promise<void> {
  const options = await request('POST', '/v1/session/passkey/options', {})
  const credential = await signChallenge(options)
  await request('POST', '/v1/session/passkey', { body: { credential } })
}

export function SignInPage() {
  const { t } = useTranslation()
  const reload = useReloadSession()
  const [code, setCode] = useState<CodeKind>()
  const passkey = useMutation<void, Problem>({ mutationFn: signInWithPasskey, onSuccess: reload })
  if (code !== undefined)
    return (
      <Front title={t('sign_in.title')} about={t(`sign_in.${code}_about`)}>
        <CodeForm key={code} kind={code} onBack={() => setCode(undefined)} />
      </Front>
    )
  return (
    <Front title={t('sign_in.title')} about={t('sign_in.about')}>
      <Stack>
        <ProblemAlert problem={passkey.error} />
        <Button
          size="md"
          leftSection={<Icon name="key" />}
          loading={passkey.isPending}
          onClick={() => passkey.mutate()}
        >
          {t('sign_in.passkey')}
        </Button>
        <Button variant="default" onClick={() => setCode('totp')}>
          {t('sign_in.totp')}
        </Button>
        <Button variant="subtle" onClick={() => setCode('recovery')}>
          {t('sign_in.recovery')}
        </Button>
      </Stack>
    </Front>
  )
}

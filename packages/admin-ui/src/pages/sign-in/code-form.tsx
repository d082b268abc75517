/** Name and code: of an authenticator app, or one of the ten for recovery. */
import { Button, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Problem } from '../../api/problem.ts'
import { request } from '../../api/request.ts'
import { useReloadSession } from '../../api/session.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

export type CodeKind = 'totp' | 'recovery'

export interface CodeFormProps {
  readonly kind: CodeKind
  readonly onBack: () => void
}

export function CodeForm({ kind, onBack }: CodeFormProps) {
  const { t } = useTranslation()
  const reload = useReloadSession()
  const [name, setName] = useState('')
  const [code, setCode] = useState('')
  const signIn = useMutation<unknown, Problem>({
    mutationFn: () =>
      request('POST', `/v1/session/${kind}`, { body: { name, code: code.replaceAll(' ', '') } }),
    onSuccess: reload,
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        signIn.mutate()
      }}
    >
      <Stack>
        <TextInput
          label={t('sign_in.name')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="username"
          autoFocus
          required
        />
        <TextInput
          label={t(`sign_in.${kind}_code`)}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          autoComplete="one-time-code"
          inputMode={kind === 'totp' ? 'numeric' : 'text'}
          spellCheck={false}
          required
        />
        <ProblemAlert problem={signIn.error} />
        <Button type="submit" loading={signIn.isPending}>
          {t('sign_in.submit')}
        </Button>
        <Button variant="subtle" onClick={onBack}>
          {t('sign_in.other_way')}
        </Button>
      </Stack>
    </form>
  )
}

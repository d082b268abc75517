import { Button, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Answer } from '../../api/operations.ts'
import type { Problem } from '../../api/problem.ts'
import { request } from '../../api/request.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import type { EnrolProps } from './enrol-page.tsx'
import { NameInput } from './name-input.tsx'
import { TotpSetup } from './totp-setup.tsx'

type Setup = Answer<'POST', '/v1/administrators/enrol/totp'>

/** With an authenticator app: first its secret, then its first code. */
export function EnrolByTotp({ token, onEnrolled, onOtherWay }: EnrolProps) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [code, setCode] = useState('')
  const setup = useMutation<Setup, Problem>({
    mutationFn: () =>
      request('POST', '/v1/administrators/enrol/totp', { body: { token, name: name.trim() } }),
  })
  const enrolment = useMutation<readonly string[], Problem, Setup>({
    mutationFn: async ({ ticket }) => {
      const body = { token, name: name.trim(), totp: { ticket, code } }
      return (await request('POST', '/v1/administrators/enrol', { body })).recovery_codes
    },
    onSuccess: onEnrolled,
  })
  const { data: made } = setup
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (made === undefined) setup.mutate()
        else enrolment.mutate(made)
      }}
    >
      <Stack>
        <NameInput value={name} onChange={setName} isReadOnly={made !== undefined} />
        {made !== undefined && (
          <>
            <TotpSetup setup={made} />
            <TextInput
              label={t('sign_in.totp_code')}
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
              inputMode="numeric"
              autoComplete="one-time-code"
              pattern="[0-9]{6}"
              required
            />
          </>
        )}
        <ProblemAlert problem={setup.error ?? enrolment.error} />
        <Button type="submit" loading={setup.isPending || enrolment.isPending}>
          {made === undefined ? t('enrol.show_secret') : t('enrol.finish')}
        </Button>
        <Button variant="subtle" onClick={onOtherWay}>
          {t('enrol.use_passkey')}
        </Button>
      </Stack>
    </form>
  )
}

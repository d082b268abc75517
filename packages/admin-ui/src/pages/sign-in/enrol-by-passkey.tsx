import { Button, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { makePasskey } from '../../api/passkeys.ts'
import type { Problem } from '../../api/problem.ts'
import { request } from '../../api/request.ts'
import { Icon } from '../../parts/icon.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import type { EnrolProps } from './enrol-page.tsx'
import { NameInput } from './name-input.tsx'

async function enrol(token: string, name: string): Promise<readonly string[]> {
  const options = await request('POST', '/v1/administrators/enrol/options', { body: { token, name } })
  const credential = await makePasskey(options)
  const made = await request('POST', '/v1/administrators/enrol', { body: { token, name, credential } })
  return made.recovery_codes
}

/** With a passkey of this device. */
export function EnrolByPasskey({ token, onEnrolled, onOtherWay }: EnrolProps) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const enrolment = useMutation<readonly string[], Problem>({
    mutationFn: () => enrol(token, name.trim()),
    onSuccess: onEnrolled,
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        enrolment.mutate()
      }}
    >
      <Stack>
        <NameInput value={name} onChange={setName} />
        <ProblemAlert problem={enrolment.error} />
        <Button type="submit" leftSection={<Icon name="key" />} loading={enrolment.isPending}>
          {t('enrol.submit')}
        </Button>
        <Button variant="subtle" onClick={onOtherWay}>
          {t('enrol.no_passkey')}
        </Button>
      </Stack>
    </form>
  )
}

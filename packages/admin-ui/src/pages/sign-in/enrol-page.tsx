/** Becoming an administrator by a one-time link: a name and a passkey. */
import { Anchor, Button, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { makePasskey } from '../../api/passkeys.ts'
import type { Problem } from '../../api/problem.ts'
import { request } from '../../api/request.ts'
import { useReloadSession } from '../../api/session.ts'
import { Front } from '../../app/front.tsx'
import { CopyField } from '../../parts/copy-field.tsx'
import { Icon } from '../../parts/icon.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

interface Enrolled {
  readonly recovery_codes?: readonly string[]
}

const NAME_CHARS_MAX = 64

async function enrol(token: string, name: string): Promise<Enrolled> {
  const credential = await makePasskey('/v1/administrators/enrol/options', { token, name })
  return request<Enrolled>('POST', '/v1/administrators/enrol', { body: { token, name, credential } })
}

export function EnrolPage({ token }: { readonly token: string }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const enrolment = useMutation<Enrolled, Problem>({ mutationFn: () => enrol(token, name) })
  if (enrolment.data !== undefined) return <EnrolledPage codes={enrolment.data.recovery_codes ?? []} />
  return (
    <Front title={t('enrol.title')} about={t('enrol.about')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          enrolment.mutate()
        }}
      >
        <Stack>
          <TextInput
            label={t('enrol.name')}
            description={t('enrol.name_hint')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={NAME_CHARS_MAX}
            autoComplete="username"
            autoFocus
            required
          />
          <ProblemAlert problem={enrolment.error} />
          <Button type="submit" leftSection={<Icon name="key" />} loading={enrolment.isPending}>
            {t('enrol.submit')}
          </Button>
        </Stack>
      </form>
    </Front>
  )
}

function EnrolledPage({ codes }: { readonly codes: readonly string[] }) {
  const { t } = useTranslation()
  const reload = useReloadSession()
  return (
    <Front title={t('enrol.done')} about={t(codes.length > 0 ? 'enrol.codes_about' : 'enrol.done_about')}>
      <Stack>
        {codes.length > 0 && <CopyField label={t('enrol.codes')} value={codes.join(' ')} />}
        <Anchor href="/admin" onClick={() => void reload()}>
          {t('enrol.go_on')}
        </Anchor>
      </Stack>
    </Front>
  )
}

/** What an operator decides for one domain; what is left open is as the server is set. */
import { Button, Fieldset, NativeSelect, NumberInput, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { Domain, DomainPolicy } from '../../api/types.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

const E2EE = ['required', 'optional', 'off'] as const
const STORAGE = ['sealed', 'none'] as const
const MAIL_PGP = ['optional', 'on-arrival', 'required'] as const

export interface DomainPolicyFormProps {
  readonly policy: Domain
  readonly isReadOnly: boolean
}

export function DomainPolicyForm({ policy: { domain, ...decided }, isReadOnly }: DomainPolicyFormProps) {
  const { t } = useTranslation()
  const [policy, setPolicy] = useState<DomainPolicy>(decided)
  const save = useCommand({
    method: 'PUT',
    path: '/v1/domains/{domain}/policy',
    changes: ['/v1/domains'],
    done: t('domains.policy_saved'),
  })
  const open = { value: '', label: t('domains.as_server') }
  const change = (name: keyof DomainPolicy, value: string | number): void =>
    setPolicy((before) => ({ ...before, [name]: value === '' ? undefined : value }))
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        save.run({ params: { domain }, body: policy })
      }}
    >
      <Fieldset variant="unstyled" disabled={isReadOnly} maw="30rem">
        <Stack>
          <NativeSelect
            label={t('domains.e2ee')}
            description={t('domains.e2ee_hint')}
            value={policy.e2ee ?? ''}
            onChange={(event) => change('e2ee', event.currentTarget.value)}
            data={[open, ...E2EE.map((value) => ({ value, label: t(`domains.e2ee_values.${value}`) }))]}
          />
          <NativeSelect
            label={t('domains.storage')}
            description={t('domains.storage_hint')}
            value={policy.storage ?? ''}
            onChange={(event) => change('storage', event.currentTarget.value)}
            data={[open, ...STORAGE.map((value) => ({ value, label: t(`domains.storage_values.${value}`) }))]}
          />
          <NumberInput
            label={t('domains.ttl_seconds')}
            description={t('domains.ttl_hint')}
            placeholder={t('domains.as_server')}
            value={policy.message_ttl_seconds ?? ''}
            onChange={(value) => change('message_ttl_seconds', value)}
            min={1}
            allowDecimal={false}
            hideControls
          />
          <NativeSelect
            label={t('domains.mail_pgp')}
            description={t('domains.mail_pgp_hint')}
            value={policy.mail_pgp ?? ''}
            onChange={(event) => change('mail_pgp', event.currentTarget.value)}
            data={[
              open,
              ...MAIL_PGP.map((value) => ({ value, label: t(`domains.mail_pgp_values.${value}`) })),
            ]}
          />
          <ProblemAlert problem={save.problem} />
          {!isReadOnly && (
            <div>
              <Button type="submit" loading={save.isRunning}>
                {t('common.save')}
              </Button>
            </div>
          )}
        </Stack>
      </Fieldset>
    </form>
  )
}

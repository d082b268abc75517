/** Makes an invite: for whom, with which plan, how often and how long. */
import { NativeSelect, NumberInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'

export interface CreateInviteDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly onMade: (id: string) => void
}

interface Fields {
  readonly domain: string
  readonly name: string
  readonly plan: string
  readonly days: string
  readonly uses: number
}

const DAY_SECONDS = 86_400
const DAYS = [1, 7, 30, 90] as const
const USES_MAX = 1_000

export function CreateInviteDialog({ isOpen, onClose, onMade }: CreateInviteDialogProps) {
  const { t } = useTranslation()
  const [fields, setFields] = useState<Fields>({ domain: '', name: '', plan: '', days: '7', uses: 1 })
  const create = useCommand({
    method: 'POST',
    path: '/v1/invites/account',
    changes: ['/v1/invites'],
    done: t('invites.created'),
    onDone: ({ id }) => {
      onMade(id)
      onClose()
    },
  })
  const submit = (): void => {
    const { domain, name, plan, days, uses } = fields
    create.run({
      body: {
        uses: name === '' ? uses : 1,
        ttl_seconds: Number(days) * DAY_SECONDS,
        ...(domain === '' ? {} : { domain }),
        ...(name === '' ? {} : { name: name.trim() }),
        ...(plan === '' ? {} : { plan }),
      },
    })
  }
  return (
    <CommandDialog
      isOpen={isOpen}
      onClose={onClose}
      title={t('invites.create')}
      submitLabel={t('invites.create')}
      command={create}
      onSubmit={submit}
    >
      <InviteFields
        fields={fields}
        onChange={(changed) => setFields((before) => ({ ...before, ...changed }))}
      />
    </CommandDialog>
  )
}

interface InviteFieldsProps {
  readonly fields: Fields
  readonly onChange: (changed: Partial<Fields>) => void
}

function InviteFields({ fields, onChange }: InviteFieldsProps) {
  const { t } = useTranslation()
  const may = useMay()
  const domains = useApi('/v1/domains', { isEnabled: may('domains:read') })
  const plans = useApi('/v1/plans', { isEnabled: may('plans:read') })
  return (
    <>
      <TextInput
        label={t('invites.name')}
        description={t('invites.name_hint')}
        value={fields.name}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
        autoComplete="off"
        data-autofocus
      />
      <NativeSelect
        label={t('accounts.domain')}
        value={fields.domain}
        onChange={(event) => onChange({ domain: event.currentTarget.value })}
        data={domains.data?.items.map(({ domain }) => domain) ?? []}
      />
      <NativeSelect
        label={t('account.plan')}
        value={fields.plan}
        onChange={(event) => onChange({ plan: event.currentTarget.value })}
        data={[
          { value: '', label: t('plans.default') },
          ...(plans.data?.items.map(({ name }) => name) ?? []),
        ]}
      />
      <NativeSelect
        label={t('invites.days')}
        value={fields.days}
        onChange={(event) => onChange({ days: event.currentTarget.value })}
        data={DAYS.map((count) => ({ value: String(count), label: t('invites.days_count', { count }) }))}
      />
      {fields.name === '' && (
        <NumberInput
          label={t('invites.uses')}
          value={fields.uses}
          onChange={(value) => onChange({ uses: Number(value) })}
          min={1}
          max={USES_MAX}
          allowDecimal={false}
        />
      )}
    </>
  )
}

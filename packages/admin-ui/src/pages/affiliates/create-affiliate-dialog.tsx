/** A new affiliate, with the code of their link. */
import { NumberInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'

const DOLLARS_MAX = 100_000

export function CreateAffiliateDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation()
  const [label, setLabel] = useState('')
  const [dollars, setDollars] = useState<number>()
  const create = useCommand({
    method: 'POST',
    path: '/v1/affiliates',
    changes: ['/v1/affiliates'],
    done: t('affiliates.created'),
    onDone: onClose,
  })
  const submit = (): void => {
    if (dollars !== undefined)
      create.run({ body: { label: label.trim(), commission_cents: Math.round(dollars * 100) } })
  }
  return (
    <CommandDialog
      isOpen
      onClose={onClose}
      title={t('affiliates.create')}
      submitLabel={t('affiliates.create')}
      command={create}
      onSubmit={submit}
    >
      <TextInput
        label={t('affiliates.name')}
        value={label}
        onChange={(event) => setLabel(event.currentTarget.value)}
        maxLength={100}
        required
        data-autofocus
      />
      <NumberInput
        label={t('affiliates.commission')}
        description={t('affiliates.commission_hint')}
        value={dollars ?? ''}
        onChange={(value) => setDollars(value === '' ? undefined : Number(value))}
        min={0.01}
        max={DOLLARS_MAX}
        decimalScale={2}
        prefix="$"
        required
      />
    </CommandDialog>
  )
}

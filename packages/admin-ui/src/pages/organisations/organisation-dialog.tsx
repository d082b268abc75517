/** Makes an organisation, with what it may use. */
import { NativeSelect, NumberInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { POOLS, type PoolName } from './pools.ts'

export interface OrganisationDialogProps {
  /** Undefined: that of the reader, or directly below the server. */
  readonly parent: string | undefined
  readonly onClose: () => void
}

const KINDS = ['customer', 'reseller'] as const
type Kind = (typeof KINDS)[number]

export function OrganisationDialog({ parent, onClose }: OrganisationDialogProps) {
  const { t } = useTranslation()
  const [, navigate] = useLocation()
  const [name, setName] = useState('')
  const [kind, setKind] = useState<Kind>('customer')
  const [pools, setPools] = useState<Readonly<Partial<Record<PoolName, number>>>>({})
  const create = useCommand({
    method: 'POST',
    path: '/v1/organisations',
    changes: ['/v1/organisations'],
    done: t('organisations.created'),
    onDone: ({ id }) => {
      onClose()
      navigate(`/organisations/${id}`)
    },
  })
  const submit = (): void =>
    create.run({ body: { name: name.trim(), kind, ...pools, ...(parent === undefined ? {} : { parent }) } })
  return (
    <CommandDialog
      isOpen
      onClose={onClose}
      title={t('organisations.create')}
      submitLabel={t('organisations.create')}
      command={create}
      onSubmit={submit}
    >
      <TextInput
        label={t('organisations.name')}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        maxLength={100}
        data-autofocus
        required
      />
      <NativeSelect
        label={t('organisations.kind')}
        description={t('organisations.kind_hint')}
        value={kind}
        onChange={(event) => setKind(KINDS.find((one) => one === event.currentTarget.value) ?? 'customer')}
        data={KINDS.map((value) => ({ value, label: t(`organisations.kinds.${value}`) }))}
      />
      {POOLS.map((pool) => (
        <NumberInput
          key={pool}
          label={t(`organisations.pools.${pool}`)}
          placeholder={t('organisations.unbounded')}
          value={pools[pool] ?? ''}
          onChange={(value) =>
            setPools((before) => ({ ...before, [pool]: value === '' ? undefined : Number(value) }))
          }
          min={0}
          allowDecimal={false}
          hideControls
        />
      ))}
    </CommandDialog>
  )
}

import { Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'

export interface AddMemberDialogProps {
  readonly list: string
  readonly onClose: () => void
}

/** Has an address asked whether it wants mail of the list. */
export function AddMemberDialog({ list, onClose }: AddMemberDialogProps) {
  const { t } = useTranslation()
  const [address, setAddress] = useState('')
  const ask = useCommand({
    method: 'POST',
    path: '/v1/me/lists/{list}/members',
    changes: ['/v1/me/lists'],
    done: t('own.lists.asked_done'),
    onDone: onClose,
  })
  return (
    <CommandDialog
      isOpen
      onClose={onClose}
      title={t('own.lists.ask_named', { list })}
      submitLabel={t('own.lists.ask')}
      command={ask}
      onSubmit={() => ask.run({ params: { list }, body: { address: address.trim() } })}
    >
      <Text>{t('own.lists.ask_about')}</Text>
      <TextInput
        type="email"
        label={t('own.lists.address')}
        value={address}
        onChange={(event) => setAddress(event.currentTarget.value)}
        data-autofocus
        required
      />
    </CommandDialog>
  )
}

import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'

export interface CreateListDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Makes a mailing list. */
export function CreateListDialog({ isOpen, onClose }: CreateListDialogProps) {
  const { t } = useTranslation()
  const [list, setList] = useState('')
  const create = useCommand({
    method: 'PUT',
    path: '/v1/me/lists/{list}',
    changes: ['/v1/me/lists'],
    done: t('own.lists.created'),
    onDone: onClose,
  })
  return (
    <CommandDialog
      isOpen={isOpen}
      onClose={onClose}
      title={t('own.lists.create')}
      submitLabel={t('own.lists.create')}
      command={create}
      onSubmit={() => create.run({ params: { list: list.trim() } })}
    >
      <TextInput
        label={t('own.lists.name')}
        description={t('own.lists.name_hint')}
        value={list}
        onChange={(event) => setList(event.currentTarget.value)}
        data-autofocus
        required
      />
    </CommandDialog>
  )
}

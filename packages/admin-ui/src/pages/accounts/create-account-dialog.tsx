/** Makes an account; its owner chooses a password by a one-time link, which is shown once. */
import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { OneTimeLink } from '../../api/types.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { LinkDialog } from '../../parts/link-dialog.tsx'

export interface CreateAccountDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

export function CreateAccountDialog({ isOpen, onClose }: CreateAccountDialogProps) {
  const { t } = useTranslation()
  const [jid, setJid] = useState('')
  const [made, setMade] = useState<{ jid: string; link: OneTimeLink }>()
  const create = useCommand({
    method: 'POST',
    path: '/v1/accounts',
    changes: ['/v1/accounts'],
    done: t('accounts.created_done'),
    onDone: (account) => {
      if (account.enrolment !== undefined) setMade({ jid: account.jid, link: account.enrolment })
      setJid('')
      onClose()
    },
  })
  return (
    <>
      <CommandDialog
        isOpen={isOpen}
        onClose={onClose}
        title={t('accounts.create')}
        submitLabel={t('accounts.create')}
        command={create}
        onSubmit={() => create.run({ body: { jid: jid.trim() } })}
      >
        <TextInput
          type="email"
          label={t('accounts.address')}
          description={t('accounts.address_hint')}
          value={jid}
          onChange={(event) => setJid(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
          required
        />
      </CommandDialog>
      <LinkDialog
        title={t('enrolment_link.title')}
        about={t('enrolment_link.about', { jid: made?.jid ?? '' })}
        link={made?.link}
        onClose={() => setMade(undefined)}
      />
    </>
  )
}

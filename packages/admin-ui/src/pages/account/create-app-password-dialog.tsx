/** Makes a password for one program; it is shown once. */
import { Checkbox, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { Answer } from '../../api/operations.ts'
import type { AppPassword } from '../../api/types.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { CopyField } from '../../parts/copy-field.tsx'
import { ResultDialog } from '../../parts/result-dialog.tsx'
import { PasswordField } from './new-password.tsx'

const PATH = '/v1/me/app-passwords'
const SCOPES = ['chat', 'mail', 'api'] as const
const NAME_CHARS_MAX = 64

type Scope = AppPassword['scopes'][number]
type Made = Answer<'POST', typeof PATH>

export interface CreateAppPasswordDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

export function CreateAppPasswordDialog({ isOpen, onClose }: CreateAppPasswordDialogProps) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<Scope[]>(['chat', 'mail'])
  const [own, setOwn] = useState('')
  const [made, setMade] = useState<Made>()
  const create = useCommand({
    method: 'POST',
    path: PATH,
    changes: [PATH],
    done: t('own.app_passwords.created'),
    onDone: (result) => {
      setMade(result)
      setName('')
      setOwn('')
      onClose()
    },
  })
  return (
    <>
      <CommandDialog
        isOpen={isOpen}
        onClose={onClose}
        title={t('own.app_passwords.create')}
        submitLabel={t('own.app_passwords.create')}
        command={create}
        onSubmit={() => create.run({ body: { name: name.trim(), scopes, old_password: own } })}
      >
        <TextInput
          label={t('own.app_passwords.name')}
          description={t('own.app_passwords.name_hint')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={NAME_CHARS_MAX}
          data-autofocus
          required
        />
        <Checkbox.Group
          label={t('own.app_passwords.scopes')}
          value={scopes}
          onChange={(chosen) => setScopes(chosen)}
        >
          <Stack gap="xs" mt="xs">
            {SCOPES.map((scope) => (
              <Checkbox key={scope} value={scope} label={t(`own.app_passwords.scope_names.${scope}`)} />
            ))}
          </Stack>
        </Checkbox.Group>
        <PasswordField
          label={t('own.password.old')}
          value={own}
          onChange={setOwn}
          autoComplete="current-password"
        />
      </CommandDialog>
      <Shown made={made} onClose={() => setMade(undefined)} />
    </>
  )
}

function Shown({ made, onClose }: { readonly made: Made | undefined; readonly onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <ResultDialog
      isOpen={made !== undefined}
      onClose={onClose}
      title={t('own.app_passwords.made_title')}
      about={t('own.app_passwords.made_about')}
    >
      {made !== undefined && (
        <>
          <CopyField label={t('own.app_passwords.login')} value={made.login} />
          <CopyField label={t('own.sign_in.password')} value={made.password ?? ''} />
        </>
      )}
    </ResultDialog>
  )
}

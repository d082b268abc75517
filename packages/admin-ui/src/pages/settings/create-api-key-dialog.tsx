/** Makes a key with some of one's own permissions; the key itself is shown once. */
import { Checkbox, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { Input } from '../../api/operations.ts'
import { useSession } from '../../api/session.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { CopyField } from '../../parts/copy-field.tsx'
import { ResultDialog } from '../../parts/result-dialog.tsx'
import classes from './settings.module.css'

type Scope = Input<'POST', '/v1/api-keys'>['body']['scope'][number]

export interface CreateApiKeyDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

export function CreateApiKeyDialog({ isOpen, onClose }: CreateApiKeyDialogProps) {
  const { t } = useTranslation()
  const [label, setLabel] = useState('')
  const [expires, setExpires] = useState('')
  const [scopes, setScopes] = useState<Scope[]>([])
  const [token, setToken] = useState<string>()
  const create = useCommand({
    method: 'POST',
    path: '/v1/api-keys',
    changes: ['/v1/api-keys'],
    done: t('api_keys.created_done'),
    onDone: (made) => {
      setToken(made.token)
      setScopes([])
      onClose()
    },
  })
  const submit = (): void =>
    create.run({
      body: { label: label.trim(), scope: scopes, ...(expires === '' ? {} : { expires_on: expires }) },
    })
  return (
    <>
      <CommandDialog
        isOpen={isOpen}
        onClose={onClose}
        title={t('api_keys.create')}
        submitLabel={t('api_keys.create')}
        command={create}
        onSubmit={submit}
      >
        <TextInput
          label={t('api_keys.label')}
          value={label}
          onChange={(event) => setLabel(event.currentTarget.value)}
          maxLength={64}
          data-autofocus
          required
        />
        <TextInput
          type="date"
          label={t('api_keys.expires')}
          description={t('api_keys.expires_hint')}
          value={expires}
          onChange={(event) => setExpires(event.currentTarget.value)}
        />
        <Scopes scopes={scopes} onChange={setScopes} />
      </CommandDialog>
      <ResultDialog
        isOpen={token !== undefined}
        onClose={() => setToken(undefined)}
        title={t('api_keys.token_title')}
        about={t('api_keys.token_about')}
      >
        {token !== undefined && <CopyField label={t('api_keys.token')} value={token} />}
      </ResultDialog>
    </>
  )
}

interface ScopesProps {
  readonly scopes: Scope[]
  readonly onChange: (scopes: Scope[]) => void
}

/** Of one's own permissions: more cannot be given. */
function Scopes({ scopes, onChange }: ScopesProps) {
  const { t } = useTranslation()
  const { data: session } = useSession()
  return (
    <Checkbox.Group
      label={t('api_keys.scopes')}
      description={t('api_keys.scopes_hint')}
      value={scopes}
      onChange={onChange}
    >
      <div className={classes.scopes}>
        {(session?.administrator.permissions ?? []).map((scope) => (
          <Checkbox key={scope} value={scope} label={scope} />
        ))}
      </div>
    </Checkbox.Group>
  )
}

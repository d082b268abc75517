/** Has events sent to an address; the secret that signs them is shown once. */
import { TagsInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { CopyField } from '../../parts/copy-field.tsx'
import { ResultDialog } from '../../parts/result-dialog.tsx'

export interface CreateWebhookDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

const LABEL_CHARS_MAX = 64

export function CreateWebhookDialog({ isOpen, onClose }: CreateWebhookDialogProps) {
  const { t } = useTranslation()
  const [url, setUrl] = useState('')
  const [label, setLabel] = useState('')
  const [events, setEvents] = useState<string[]>(['*'])
  const [secret, setSecret] = useState<string>()
  const create = useCommand({
    method: 'POST',
    path: '/v1/webhooks',
    changes: ['/v1/webhooks'],
    done: t('webhooks.created'),
    onDone: (made) => {
      setSecret(made.secret)
      setUrl('')
      onClose()
    },
  })
  return (
    <>
      <CommandDialog
        isOpen={isOpen}
        onClose={onClose}
        title={t('webhooks.create')}
        submitLabel={t('webhooks.create')}
        command={create}
        onSubmit={() => create.run({ body: { url, events, ...(label === '' ? {} : { label }) } })}
      >
        <TextInput
          type="url"
          label={t('webhooks.url')}
          description={t('webhooks.url_hint')}
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
          data-autofocus
          required
        />
        <TextInput
          label={t('webhooks.label')}
          value={label}
          onChange={(event) => setLabel(event.currentTarget.value)}
          maxLength={LABEL_CHARS_MAX}
        />
        <TagsInput
          label={t('webhooks.events')}
          description={t('webhooks.events_hint')}
          value={events}
          onChange={setEvents}
        />
      </CommandDialog>
      <ResultDialog
        isOpen={secret !== undefined}
        onClose={() => setSecret(undefined)}
        title={t('webhooks.secret_title')}
        about={t('webhooks.secret_about')}
      >
        {secret !== undefined && <CopyField label={t('webhooks.secret')} value={secret} />}
      </ResultDialog>
    </>
  )
}

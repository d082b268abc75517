/** Brings a certificate to the directory: from a file or pasted. A secret key is stopped here and never sent. */
import { Checkbox, FileInput, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'

const PATH = '/v1/me/keys'
const CHARS_MAX = 1024 * 1024
const PRIVATE = /-----BEGIN PGP PRIVATE KEY BLOCK-----/

export function UploadKeyDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation()
  const [keytext, setKeytext] = useState('')
  const [publish, setPublish] = useState(true)
  const upload = useCommand({
    method: 'POST',
    path: PATH,
    changes: [PATH],
    done: t('own.keys.uploaded'),
    onDone: onClose,
  })
  const isPrivate = PRIVATE.test(keytext)
  const read = async (file: File | null): Promise<void> => {
    if (file !== null) setKeytext((await file.text()).slice(0, CHARS_MAX))
  }
  return (
    <CommandDialog
      isOpen
      onClose={onClose}
      title={t('own.keys.upload')}
      submitLabel={t('own.keys.upload')}
      command={upload}
      onSubmit={() => {
        if (!isPrivate) upload.run({ body: { keytext, publish } })
      }}
    >
      <FileInput
        label={t('import.file')}
        placeholder={t('import.choose')}
        accept=".asc,.txt,application/pgp-keys"
        onChange={(file) => void read(file)}
      />
      <Textarea
        label={t('own.keys.text')}
        description={t('own.keys.text_hint')}
        error={isPrivate ? t('own.keys.private') : undefined}
        value={keytext}
        onChange={(event) => setKeytext(event.currentTarget.value)}
        maxLength={CHARS_MAX}
        minRows={4}
        maxRows={10}
        autosize
        spellCheck={false}
        required
      />
      <Checkbox
        label={t('own.keys.publish_now')}
        checked={publish}
        onChange={(event) => setPublish(event.currentTarget.checked)}
      />
    </CommandDialog>
  )
}

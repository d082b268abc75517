/** A one-time link, shown once. */
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { OneTimeLink } from '../api/types.ts'
import { useFormat } from '../app/format.ts'
import { CopyField } from './copy-field.tsx'
import { ResultDialog } from './result-dialog.tsx'

export interface LinkDialogProps {
  readonly title: string
  readonly about: string
  /** Undefined: there is none to show. */
  readonly link: Pick<OneTimeLink, 'url' | 'expires_at'> | undefined
  readonly onClose: () => void
}

export function LinkDialog({ title, about, link, onClose }: LinkDialogProps) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <ResultDialog isOpen={link !== undefined} onClose={onClose} title={title} about={about}>
      {link !== undefined && (
        <>
          <CopyField label={t('link.link')} value={link.url} />
          <Text className="muted">{t('link.until', { when: format.moment(link.expires_at) })}</Text>
        </>
      )}
    </ResultDialog>
  )
}

/** The link by which the owner of an account chooses a password. */
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { OneTimeLink } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { CopyField } from '../../parts/copy-field.tsx'
import { ResultDialog } from '../../parts/result-dialog.tsx'

export interface EnrolmentLinkDialogProps {
  readonly made: { readonly jid: string; readonly link: OneTimeLink } | undefined
  readonly onClose: () => void
}

export function EnrolmentLinkDialog({ made, onClose }: EnrolmentLinkDialogProps) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <ResultDialog
      isOpen={made !== undefined}
      onClose={onClose}
      title={t('enrolment_link.title')}
      about={t('enrolment_link.about', { jid: made?.jid ?? '' })}
    >
      {made !== undefined && (
        <>
          <CopyField label={t('enrolment_link.link')} value={made.link.url} />
          <Text className="muted">
            {t('enrolment_link.until', { when: format.moment(made.link.expires_at) })}
          </Text>
        </>
      )}
    </ResultDialog>
  )
}

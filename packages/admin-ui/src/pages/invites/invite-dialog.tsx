/** The link of an invite, and its QR code, which the server draws. */
import { Image, Modal, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { address } from '../../api/request.ts'
import { useFormat } from '../../app/format.ts'
import { CopyField } from '../../parts/copy-field.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import classes from './invite-dialog.module.css'

export interface InviteDialogProps {
  readonly id: string
  readonly onClose: () => void
}

export function InviteDialog({ id, onClose }: InviteDialogProps) {
  const { t } = useTranslation()
  const format = useFormat()
  const query = useApi('/v1/invites/{id}', { params: { id } })
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('invites.link_title')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <QueryView query={query}>
        {({ url, expires_at: until }) => (
          <Stack>
            <Text>{t('invites.link_about')}</Text>
            <CopyField label={t('link.link')} value={url} />
            <Image
              src={address('/v1/invites/{id}/qr.svg', { params: { id } })}
              alt={t('invites.qr')}
              className={classes.qr}
            />
            <Text className="muted">{t('link.until', { when: format.moment(until) })}</Text>
          </Stack>
        )}
      </QueryView>
    </Modal>
  )
}

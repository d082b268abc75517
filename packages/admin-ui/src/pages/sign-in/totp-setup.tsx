import { Anchor, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { CopyField } from '../../parts/copy-field.tsx'

export interface TotpSetupProps {
  readonly setup: { readonly secret: string; readonly uri: string }
}

/** What an authenticator app needs. */
export function TotpSetup({ setup: { secret, uri } }: TotpSetupProps) {
  const { t } = useTranslation()
  return (
    <Stack gap="xs">
      <Text>{t('totp.about')}</Text>
      <CopyField label={t('totp.secret')} value={secret} />
      <Anchor href={uri}>{t('totp.open')}</Anchor>
    </Stack>
  )
}

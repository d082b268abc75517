import { Button, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { CopyField } from '../../parts/copy-field.tsx'

/** Shown once, after which the panel is entered anew: whoever has enrolled is signed in. */
export function RecoveryCodes({ codes }: { readonly codes: readonly string[] }) {
  const { t } = useTranslation()
  return (
    <Stack>
      <CopyField label={t('enrol.codes')} value={codes.join('\n')} />
      <Button component="a" href="/admin">
        {t('enrol.go_on')}
      </Button>
    </Stack>
  )
}

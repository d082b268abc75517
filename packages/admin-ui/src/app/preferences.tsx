/** Language and colour scheme, kept in this browser; and where one gets help. */
import {
  ActionIcon,
  Anchor,
  Group,
  NativeSelect,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useLook } from '../api/brand.ts'
import { Icon } from '../parts/icon.tsx'
import { LANGUAGES, nameOfLanguage, setLanguage } from './language.ts'

export function Preferences() {
  const { t, i18n } = useTranslation()
  const { setColorScheme } = useMantineColorScheme()
  const { support_url: help } = useLook()
  const isDark = useComputedColorScheme('light') === 'dark'
  return (
    <Group gap="xs" wrap="nowrap">
      {help !== undefined && <Anchor href={help}>{t('shell.help')}</Anchor>}
      <NativeSelect
        aria-label={t('shell.language')}
        value={i18n.language}
        onChange={(event) => void setLanguage(event.currentTarget.value)}
        data={LANGUAGES.map((language) => ({ value: language, label: nameOfLanguage(language) }))}
        flex={1}
      />
      <ActionIcon
        variant="default"
        size={36}
        onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
        aria-label={isDark ? t('shell.light') : t('shell.dark')}
      >
        <Icon name={isDark ? 'sun' : 'moon'} />
      </ActionIcon>
    </Group>
  )
}

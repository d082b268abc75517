import { TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'

const NAME_CHARS_MAX = 64

export interface NameInputProps {
  readonly value: string
  readonly onChange: (name: string) => void
  readonly isReadOnly?: boolean
}

/** By what colleagues will know the new administrator. */
export function NameInput({ value, onChange, isReadOnly }: NameInputProps) {
  const { t } = useTranslation()
  return (
    <TextInput
      label={t('enrol.name')}
      description={t('enrol.name_hint')}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      maxLength={NAME_CHARS_MAX}
      autoComplete="username"
      readOnly={isReadOnly}
      autoFocus
      required
    />
  )
}

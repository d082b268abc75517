/** How long people can still move away before what they have is erased. */
import { NumberInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'

/** As the API takes them. */
const DAYS_MAX = 90

export interface WindowInputProps {
  readonly days: number
  readonly onChange: (days: number) => void
}

export function WindowInput({ days, onChange }: WindowInputProps) {
  const { t } = useTranslation()
  return (
    <NumberInput
      label={t('ending.days')}
      description={t('ending.days_hint')}
      value={days}
      onChange={(value) => onChange(Number(value))}
      min={0}
      max={DAYS_MAX}
      allowDecimal={false}
    />
  )
}

import { Checkbox, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Incident } from '../../api/types.ts'
import { COMPONENTS } from './words.ts'

export interface ComponentInputsProps {
  readonly value: Incident['components']
  readonly onChange: (components: Incident['components']) => void
}

/** Which parts of the service are concerned. */
export function ComponentInputs({ value, onChange }: ComponentInputsProps) {
  const { t } = useTranslation()
  return (
    <Checkbox.Group label={t('status.components')} value={value} onChange={onChange}>
      <Group mt="xs">
        {COMPONENTS.map((component) => (
          <Checkbox key={component} value={component} label={t(`status.names.${component}`)} />
        ))}
      </Group>
    </Checkbox.Group>
  )
}

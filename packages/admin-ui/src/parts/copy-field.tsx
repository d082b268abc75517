/** Something to take along: a link, a key, a record. Copied by a button, selected by a click. */
import { ActionIcon, CopyButton } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import classes from './copy-field.module.css'
import { Icon } from './icon.tsx'

export interface CopyFieldProps {
  readonly label: string
  readonly value: string
}

export function CopyField({ label, value }: CopyFieldProps) {
  const { t } = useTranslation()
  return (
    <div className={classes.field} role="group" aria-label={label}>
      <code className={classes.value}>{value}</code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <ActionIcon
            variant="default"
            size="lg"
            onClick={copy}
            aria-label={copied ? t('common.copied') : t('common.copy', { what: label })}
          >
            <Icon name={copied ? 'check' : 'copy'} />
          </ActionIcon>
        )}
      </CopyButton>
    </div>
  )
}

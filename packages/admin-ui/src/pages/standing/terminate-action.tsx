/** Terminates an account or an organisation for ever, at once or after days in which people can still move away. */
import { NumberInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { CommandState } from '../../api/commands.ts'
import { ConfirmedAction } from '../../parts/confirmed-action.tsx'

/** As the API takes them. */
const DAYS_MAX = 90

export interface TerminateActionProps {
  /** To be typed. */
  readonly name: string
  readonly consequence: string
  readonly command: CommandState
  /** `after`: days. `close` is to be called when it is done. */
  readonly onConfirm: (termination: { reason: string; after: number }, close: () => void) => void
}

export function TerminateAction({ name, consequence, command, onConfirm }: TerminateActionProps) {
  const { t } = useTranslation()
  const [after, setAfter] = useState(0)
  return (
    <ConfirmedAction
      label={t('account.terminate')}
      title={t('account.terminate_title', { jid: name })}
      consequence={consequence}
      command={command}
      nameToType={name}
      asksWhy
      isDangerous
      onConfirm={(reason, close) => onConfirm({ reason, after }, close)}
    >
      <NumberInput
        label={t('ending.days')}
        description={t('ending.days_hint')}
        value={after}
        onChange={(value) => setAfter(Number(value))}
        min={0}
        max={DAYS_MAX}
        allowDecimal={false}
      />
    </ConfirmedAction>
  )
}

/** Suspends an account or an organisation: why, and until when where that can be said. */
import { Autocomplete, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { CommandState } from '../../api/commands.ts'
import { ConfirmedAction } from '../../parts/confirmed-action.tsx'

export interface SuspendActionProps {
  readonly name: string
  readonly consequence: string
  /** What is often a reason. */
  readonly reasons: readonly string[]
  readonly command: CommandState
  /** `until`: a day, empty for none. `close` is to be called when it is done. */
  readonly onConfirm: (suspension: { reason: string; until: string }, close: () => void) => void
  readonly asksUntil?: boolean
}

export function SuspendAction(props: SuspendActionProps) {
  const { name, consequence, reasons, command, onConfirm, asksUntil = false } = props
  const { t } = useTranslation()
  const [reason, setReason] = useState('')
  const [until, setUntil] = useState('')
  return (
    <ConfirmedAction
      label={t('account.suspend')}
      title={t('account.suspend_title', { jid: name })}
      consequence={consequence}
      command={command}
      onConfirm={(_why, close) => onConfirm({ reason, until }, close)}
    >
      <Autocomplete
        label={t('account.suspend_reason')}
        description={t('account.suspend_reason_hint')}
        data={[...reasons]}
        value={reason}
        onChange={setReason}
        pattern="[a-z][a-z0-9_\-]*"
        maxLength={32}
        required
      />
      {asksUntil && (
        <TextInput
          type="date"
          label={t('account.suspend_until')}
          description={t('account.suspend_until_hint')}
          value={until}
          onChange={(event) => setUntil(event.currentTarget.value)}
        />
      )}
    </ConfirmedAction>
  )
}

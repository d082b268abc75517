/** Asks before something is done: what it does, why it is done, and where it cannot be undone the name of what it is done to. */
import { Text, Textarea, TextInput } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { CommandState } from '../api/commands.ts'
import { CommandDialog } from './command-dialog.tsx'

export interface ConfirmDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly title: string
  readonly consequence: string
  readonly submitLabel: string
  readonly command: CommandState
  /** The reason is empty unless it is asked for. */
  readonly onConfirm: (reason: string) => void
  /** Asks why, for the audit log. */
  readonly asksWhy?: boolean
  /** What else is to be chosen. */
  readonly children?: ReactNode
  /** To be typed: this cannot be undone. */
  readonly nameToType?: string
}

const REASON_CHARS_MAX = 500

export function ConfirmDialog(props: ConfirmDialogProps) {
  const { consequence, asksWhy = false, children, nameToType, onConfirm, ...rest } = props
  const { t } = useTranslation()
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState('')
  const [isMistyped, setMistyped] = useState(false)
  const confirm = (): void => {
    const isTyped = nameToType === undefined || typed.trim() === nameToType
    setMistyped(!isTyped)
    if (isTyped) onConfirm(reason)
  }
  return (
    <CommandDialog {...rest} isDangerous onSubmit={confirm}>
      <Text>{consequence}</Text>
      {children}
      {asksWhy && (
        <Textarea
          label={t('common.reason')}
          description={t('common.reason_hint')}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          maxLength={REASON_CHARS_MAX}
          autosize
          required
        />
      )}
      {nameToType !== undefined && (
        <TextInput
          label={t('common.type_name', { name: nameToType })}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          error={isMistyped ? t('common.mistyped') : undefined}
          autoComplete="off"
          spellCheck={false}
          required
        />
      )}
    </CommandDialog>
  )
}

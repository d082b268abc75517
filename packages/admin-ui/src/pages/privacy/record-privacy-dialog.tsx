/** Writes down what a person asked in another way, such as by letter. */
import { Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { filled, useFields } from '../../api/fields.ts'
import type { Input } from '../../api/operations.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { KINDS } from './words.ts'

type NewRequest = Required<Input<'POST', '/v1/privacy-requests'>['body']>

const EMPTY: NewRequest = { jid: '', kind: 'access', details: '', received_on: '' }

export interface RecordPrivacyDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

export function RecordPrivacyDialog({ isOpen, onClose }: RecordPrivacyDialogProps) {
  const { t } = useTranslation()
  const [, navigate] = useLocation()
  const [fields, change] = useFields(EMPTY)
  const record = useCommand({
    method: 'POST',
    path: '/v1/privacy-requests',
    changes: ['/v1/privacy-requests'],
    done: t('privacy.recorded'),
    onDone: ({ id }) => {
      onClose()
      navigate(`/privacy/${id}`)
    },
  })
  return (
    <CommandDialog
      isOpen={isOpen}
      onClose={onClose}
      title={t('privacy.record')}
      submitLabel={t('privacy.record')}
      command={record}
      onSubmit={() => record.run({ body: filled(fields) })}
    >
      <TextInput
        label={t('accounts.address')}
        value={fields.jid}
        onChange={(event) => change({ jid: event.currentTarget.value })}
        autoComplete="off"
        data-autofocus
        required
      />
      <WordSelect
        label={t('privacy.kind')}
        words={KINDS}
        value={fields.kind}
        onChange={(kind) => kind && change({ kind })}
        textOf={(word) => t(`privacy.kinds.${word}`)}
      />
      <Textarea
        label={t('privacy.details')}
        description={t('privacy.details_hint')}
        value={fields.details}
        onChange={(event) => change({ details: event.currentTarget.value })}
        maxLength={2_000}
        autosize
      />
      <TextInput
        type="date"
        label={t('legal.received_on')}
        description={t('privacy.received_hint')}
        value={fields.received_on}
        onChange={(event) => change({ received_on: event.currentTarget.value })}
      />
    </CommandDialog>
  )
}

/** Tells everybody of an incident. */
import { Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { filled, useFields } from '../../api/fields.ts'
import type { Input } from '../../api/operations.ts'
import { toInstant } from '../../app/instant.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { ComponentInputs } from './component-inputs.tsx'
import { SEVERITIES } from './words.ts'

type NewIncident = Required<Input<'POST', '/v1/incidents'>['body']>

export interface OpenIncidentDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

export function OpenIncidentDialog({ isOpen, onClose }: OpenIncidentDialogProps) {
  const { t } = useTranslation()
  const [fields, change] = useFields<NewIncident>({
    title: '',
    text: '',
    severity: 'minor',
    components: [],
    began_at: '',
  })
  const open = useCommand({
    method: 'POST',
    path: '/v1/incidents',
    changes: ['/v1/incidents', '/v1/status'],
    done: t('incidents.opened'),
    onDone: () => {
      change({ title: '', text: '', began_at: '' })
      onClose()
    },
  })
  return (
    <CommandDialog
      isOpen={isOpen}
      onClose={onClose}
      title={t('incidents.open')}
      submitLabel={t('incidents.publish')}
      command={open}
      onSubmit={() => open.run({ body: filled({ ...fields, began_at: toInstant(fields.began_at) }) })}
    >
      <TextInput
        label={t('incidents.title')}
        value={fields.title}
        onChange={(event) => change({ title: event.currentTarget.value })}
        maxLength={200}
        data-autofocus
        required
      />
      <ComponentInputs value={fields.components} onChange={(components) => change({ components })} />
      <WordSelect
        label={t('incidents.severity')}
        words={SEVERITIES}
        value={fields.severity}
        onChange={(severity) => severity && change({ severity })}
        textOf={(word) => t(`incidents.severities.${word}`)}
      />
      <Textarea
        label={t('incidents.text')}
        description={t('incidents.text_hint')}
        value={fields.text}
        onChange={(event) => change({ text: event.currentTarget.value })}
        maxLength={4_000}
        autosize
        minRows={3}
      />
      <TextInput
        type="datetime-local"
        label={t('incidents.began')}
        description={t('incidents.now_hint')}
        value={fields.began_at}
        onChange={(event) => change({ began_at: event.currentTarget.value })}
      />
    </CommandDialog>
  )
}

/** Publishes the next version of a policy. */
import { TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useFields } from '../../api/fields.ts'
import type { PolicyVersion } from '../../api/types.ts'
import { LANGUAGES } from '../../app/language.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { PolicyTextInputs, type PolicyText } from './policy-text-inputs.tsx'
import { KINDS } from './words.ts'

interface Fields extends PolicyText {
  readonly kind: PolicyVersion['kind']
  readonly effective_on: string
}

export interface PublishPolicyDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

export function PublishPolicyDialog({ isOpen, onClose }: PublishPolicyDialogProps) {
  const { t } = useTranslation()
  const [fields, change] = useFields<Fields>({
    kind: 'terms',
    effective_on: '',
    language: LANGUAGES[0] ?? 'en',
    title: '',
    text: '',
  })
  const publish = useCommand({
    method: 'POST',
    path: '/v1/policies/{kind}/versions',
    changes: ['/v1/policies', '/v1/notices'],
    done: t('policies.published'),
    onDone: onClose,
  })
  const { kind, ...body } = fields
  return (
    <CommandDialog
      isOpen={isOpen}
      onClose={onClose}
      title={t('policies.publish')}
      submitLabel={t('policies.publish')}
      command={publish}
      onSubmit={() => publish.run({ params: { kind }, body })}
    >
      <WordSelect
        label={t('policies.policy')}
        words={KINDS}
        value={fields.kind}
        onChange={(chosen) => chosen && change({ kind: chosen })}
        textOf={(word) => t(`policies.kinds.${word}`)}
      />
      <TextInput
        type="date"
        label={t('policies.effective_on')}
        description={t('policies.effective_hint')}
        value={fields.effective_on}
        onChange={(event) => change({ effective_on: event.currentTarget.value })}
        required
      />
      <PolicyTextInputs fields={fields} onChange={change} />
    </CommandDialog>
  )
}

/** One entry with all that it says. */
import { Modal } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { AuditEntry } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { TextBlock } from '../../parts/text-block.tsx'

export interface AuditEntryDialogProps {
  /** Undefined: closed. */
  readonly entry: AuditEntry | undefined
  readonly onClose: () => void
}

export function AuditEntryDialog({ entry, onClose }: AuditEntryDialogProps) {
  const { t } = useTranslation()
  return (
    <Modal
      opened={entry !== undefined}
      onClose={onClose}
      size="lg"
      title={t('audit.entry', { seq: entry?.seq ?? 0 })}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {entry !== undefined && <Entry entry={entry} />}
    </Modal>
  )
}

function Entry({ entry }: { readonly entry: AuditEntry }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { at, action, actor, target, reason, phase, hash, details } = entry
  return (
    <>
      <FactList
        facts={[
          [t('audit.action'), action],
          [t('audit.phase'), t(`audit.phases.${phase}`)],
          [t('audit.at'), format.moment(at)],
          [t('audit.actor'), [t(`audit.actors.${actor.kind}`), actor.id].filter(Boolean).join(' ')],
          [t('audit.target'), target && `${target.kind} ${target.id}`],
          [t('common.reason'), reason],
          [t('audit.hash'), <code key="hash">{hash}</code>],
        ]}
      />
      <TextBlock label={t('audit.details')} text={indent(details)} />
    </>
  )
}

function indent(json: string): string {
  return JSON.stringify(JSON.parse(json), undefined, 2)
}

/** What people ask about their own data, and until when it is to be answered. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { ReceivedPrivacyRequest } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { Icon } from '../../parts/icon.tsx'
import { ListCard } from '../../parts/list-card.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { DueBadge } from './due-badge.tsx'
import { RecordPrivacyDialog } from './record-privacy-dialog.tsx'
import { KINDS, STATES } from './words.ts'

export default function PrivacyPage() {
  const { t } = useTranslation()
  const may = useMay()
  const [isRecording, recording] = useDisclosure(false)
  const [state, setState] = useState<(typeof STATES)[number]>()
  const [kind, setKind] = useState<ReceivedPrivacyRequest['kind']>()
  const { result, paging } = usePages('/v1/privacy-requests', { query: { state, kind } })
  const columns = useColumns()
  return (
    <>
      <PageHeader
        title={t('nav.privacy')}
        about={t('privacy.about')}
        actions={
          may('privacy:write') && (
            <Button leftSection={<Icon name="plus" size={16} />} onClick={recording.open}>
              {t('privacy.record')}
            </Button>
          )
        }
      />
      <ListCard
        label={t('nav.privacy')}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="check"
        none={t('privacy.none')}
        filters={{
          label: t('privacy.filters'),
          inputs: (
            <>
              <WordSelect
                label={t('accounts.state')}
                words={STATES}
                value={state}
                onChange={setState}
                textOf={(word) => t(`privacy.states.${word}`)}
                none={t('common.all')}
              />
              <WordSelect
                label={t('privacy.kind')}
                words={KINDS}
                value={kind}
                onChange={setKind}
                textOf={(word) => t(`privacy.kinds.${word}`)}
                none={t('common.all')}
              />
            </>
          ),
        }}
      />
      <RecordPrivacyDialog isOpen={isRecording} onClose={recording.close} />
    </>
  )
}

function useColumns(): readonly Column<ReceivedPrivacyRequest>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'kind',
      label: t('privacy.kind'),
      isName: true,
      cell: ({ id, kind }) => <Link href={`/privacy/${id}`}>{t(`privacy.kinds.${kind}`)}</Link>,
    },
    { key: 'due', label: t('accounts.state'), cell: (request) => <DueBadge request={request} /> },
    { key: 'origin', label: t('privacy.origin'), cell: ({ origin }) => t(`privacy.origins.${origin}`) },
    { key: 'received', label: t('desk.received'), cell: ({ received_on: day }) => format.day(day) },
  ]
}

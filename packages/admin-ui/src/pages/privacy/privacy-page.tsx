/** What people ask about their own data, and until when it is to be answered. */
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { ReceivedPrivacyRequest } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { useWordFilter } from '../../parts/filters.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { DueBadge } from './due-badge.tsx'
import { RecordPrivacyDialog } from './record-privacy-dialog.tsx'
import { KINDS, STATES } from './words.ts'

export default function PrivacyPage() {
  const { t } = useTranslation()
  const may = useMay()
  const [isRecording, recording] = useDisclosure(false)
  const state = useWordFilter({
    label: t('accounts.state'),
    words: STATES,
    textOf: (word) => t(`privacy.states.${word}`),
  })
  const kind = useWordFilter({
    label: t('privacy.kind'),
    words: KINDS,
    textOf: (word) => t(`privacy.kinds.${word}`),
  })
  const { result, paging } = usePages('/v1/privacy-requests', {
    query: { state: state.value, kind: kind.value },
  })
  const columns = useColumns()
  return (
    <>
      <ListPage
        title={t('nav.privacy')}
        about={t('privacy.about')}
        create={may('privacy:write') && { label: t('privacy.record'), onClick: recording.open }}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="check"
        none={t('privacy.none')}
        filters={{ label: t('privacy.filters'), by: [state, kind] }}
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

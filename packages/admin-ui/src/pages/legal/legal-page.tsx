/** Requests of authorities: what came, and what became of it. */
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { LegalRequest } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { useWordFilter } from '../../parts/filters.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { RecordLegalDialog } from './record-legal-dialog.tsx'
import { STATES, TONES } from './words.ts'

export default function LegalPage() {
  const { t } = useTranslation()
  const may = useMay()
  const [isRecording, recording] = useDisclosure(false)
  const state = useWordFilter({
    label: t('accounts.state'),
    words: STATES,
    textOf: (word) => t(`legal.states.${word}`),
  })
  const { result, paging } = usePages('/v1/legal-requests', { query: { state: state.value } })
  const columns = useColumns()
  return (
    <>
      <ListPage
        title={t('nav.legal')}
        about={t('legal.about')}
        create={may('legal:write') && { label: t('legal.record'), onClick: recording.open }}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="scale"
        none={t('legal.none')}
        filters={{ label: t('legal.filters'), by: [state] }}
      />
      <RecordLegalDialog isOpen={isRecording} onClose={recording.close} />
    </>
  )
}

function useColumns(): readonly Column<LegalRequest>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'authority',
      label: t('legal.authority'),
      isName: true,
      cell: ({ id, authority }) => <Link href={`/legal/${id}`}>{authority}</Link>,
    },
    { key: 'kind', label: t('legal.kind'), cell: ({ kind }) => t(`legal.kinds.${kind}`) },
    {
      key: 'state',
      label: t('accounts.state'),
      cell: ({ state }) => <StateBadge tone={TONES[state]}>{t(`legal.states.${state}`)}</StateBadge>,
    },
    {
      key: 'because',
      label: t('legal.because'),
      cell: ({ refused_because: because }) =>
        because.map((word) => t(`legal.refusals.${word}`)).join(', ') || '–',
    },
    { key: 'received', label: t('desk.received'), cell: ({ received_on: day }) => format.day(day) },
  ]
}

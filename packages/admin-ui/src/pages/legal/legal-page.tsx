/** Requests of authorities: what came, and what became of it. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { LegalRequest } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { Icon } from '../../parts/icon.tsx'
import { ListCard } from '../../parts/list-card.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { RecordLegalDialog } from './record-legal-dialog.tsx'
import { STATES, TONES } from './words.ts'

export default function LegalPage() {
  const { t } = useTranslation()
  const may = useMay()
  const [isRecording, recording] = useDisclosure(false)
  const [state, setState] = useState<LegalRequest['state']>()
  const { result, paging } = usePages('/v1/legal-requests', { query: { state } })
  const columns = useColumns()
  return (
    <>
      <PageHeader
        title={t('nav.legal')}
        about={t('legal.about')}
        actions={
          may('legal:write') && (
            <Button leftSection={<Icon name="plus" size={16} />} onClick={recording.open}>
              {t('legal.record')}
            </Button>
          )
        }
      />
      <ListCard
        label={t('nav.legal')}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="scale"
        none={t('legal.none')}
        filters={{
          label: t('legal.filters'),
          inputs: (
            <WordSelect
              label={t('accounts.state')}
              words={STATES}
              value={state}
              onChange={setState}
              textOf={(word) => t(`legal.states.${word}`)}
              none={t('common.all')}
            />
          ),
        }}
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

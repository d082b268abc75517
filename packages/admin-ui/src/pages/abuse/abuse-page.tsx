/** Reports of abuse, from the form, from accounts and by mail; those without a name are kept apart. */
import { Group, SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { usePages } from '../../api/queries.ts'
import type { AbuseReport } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { ListCard } from '../../parts/list-card.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { ACTIONS, SOURCES, STATES, TONES } from './words.ts'

const GROUPS = ['named', 'anonymous'] as const

export default function AbusePage() {
  const { t } = useTranslation()
  const [group, setGroup] = useState<(typeof GROUPS)[number]>('named')
  const [state, setState] = useState<AbuseReport['state']>()
  const [source, setSource] = useState<AbuseReport['source']>()
  const { result, paging } = usePages('/v1/abuse-reports', {
    query: { state, source, named: group === 'named' },
  })
  const columns = useColumns()
  return (
    <>
      <PageHeader title={t('nav.abuse')} about={t('abuse.about')} />
      <Group mb="md">
        <SegmentedControl
          aria-label={t('abuse.group')}
          value={group}
          onChange={(value) => setGroup(GROUPS.find((one) => one === value) ?? 'named')}
          data={GROUPS.map((value) => ({ value, label: t(`abuse.groups.${value}`) }))}
        />
        <span className="muted">{t(`abuse.group_hints.${group}`)}</span>
      </Group>
      <ListCard
        label={t('nav.abuse')}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="check"
        none={t('abuse.none')}
        filters={{
          label: t('abuse.filters'),
          inputs: (
            <>
              <WordSelect
                label={t('accounts.state')}
                words={STATES}
                value={state}
                onChange={setState}
                textOf={(word) => t(`abuse.states.${word}`)}
                none={t('common.all')}
              />
              <WordSelect
                label={t('abuse.source')}
                words={SOURCES}
                value={source}
                onChange={setSource}
                textOf={(word) => t(`abuse.sources.${word}`)}
                none={t('common.all')}
              />
            </>
          ),
        }}
      />
    </>
  )
}

function useColumns(): readonly Column<AbuseReport>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'category',
      label: t('abuse.category'),
      isName: true,
      cell: ({ id, category }) => <Link href={`/abuse/${id}`}>{t(`abuse.categories.${category}`)}</Link>,
    },
    { key: 'source', label: t('abuse.source'), cell: ({ source }) => t(`abuse.sources.${source}`) },
    {
      key: 'state',
      label: t('accounts.state'),
      cell: ({ state, outcome }) => (
        <StateBadge tone={TONES[state]}>
          {outcome === undefined ? t(`abuse.states.${state}`) : t(`abuse.outcomes.${outcome}`)}
        </StateBadge>
      ),
    },
    {
      key: 'actions',
      label: t('abuse.acted'),
      cell: ({ actions }) =>
        ACTIONS.filter((action) => actions.includes(action))
          .map((action) => t(`abuse.actions.${action}`))
          .join(', ') || '–',
    },
    { key: 'received', label: t('desk.received'), cell: ({ received_on: day }) => format.day(day) },
  ]
}

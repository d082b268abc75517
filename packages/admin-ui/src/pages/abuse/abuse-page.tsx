/** Reports of abuse, from the form, from accounts and by mail; those without a name are kept apart. */
import { Group, SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { usePages } from '../../api/queries.ts'
import type { AbuseReport } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { useWordFilter } from '../../parts/filters.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { ACTIONS, SOURCES, STATES, TONES } from './words.ts'

const GROUPS = ['named', 'anonymous'] as const

export default function AbusePage() {
  const { t } = useTranslation()
  const [group, setGroup] = useState<(typeof GROUPS)[number]>('named')
  const state = useWordFilter({
    label: t('accounts.state'),
    words: STATES,
    textOf: (word) => t(`abuse.states.${word}`),
  })
  const source = useWordFilter({
    label: t('abuse.source'),
    words: SOURCES,
    textOf: (word) => t(`abuse.sources.${word}`),
  })
  const { result, paging } = usePages('/v1/abuse-reports', {
    query: { state: state.value, source: source.value, named: group === 'named' },
  })
  const columns = useColumns()
  return (
    <ListPage
      title={t('nav.abuse')}
      about={t('abuse.about')}
      query={result}
      columns={columns}
      rowKey={({ id }) => id}
      paging={paging}
      icon="check"
      none={t('abuse.none')}
      filters={{ label: t('abuse.filters'), by: [state, source] }}
    >
      <Group mb="md">
        <SegmentedControl
          aria-label={t('abuse.group')}
          value={group}
          onChange={(value) => setGroup(GROUPS.find((one) => one === value) ?? 'named')}
          data={GROUPS.map((value) => ({ value, label: t(`abuse.groups.${value}`) }))}
        />
        <span className="muted">{t(`abuse.group_hints.${group}`)}</span>
      </Group>
    </ListPage>
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

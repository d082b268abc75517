/** What other mail servers report about our domains (RFC 8460, RFC 9990). */
import { NativeSelect } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import type { MailReport } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

const DAYS = [1, 7, 30] as const
const GOOD = /^(success|pass)/

export default function MailReportsPage() {
  const { t } = useTranslation()
  const format = useFormat()
  const [days, setDays] = useState('7')
  const query = useApi('/v1/mail-reports', { query: { days: Number(days) } })
  const columns: readonly Column<MailReport>[] = [
    { key: 'reporter', label: t('mail_reports.reporter'), isName: true, cell: ({ reporter }) => reporter },
    { key: 'day', label: t('mail_reports.day'), cell: ({ day }) => format.day(day) },
    { key: 'domain', label: t('mail_reports.domain'), cell: ({ domain }) => domain },
    { key: 'kind', label: t('mail_reports.kind'), cell: ({ kind }) => t(`mail_reports.kinds.${kind}`) },
    {
      key: 'results',
      label: t('mail_reports.results'),
      cell: ({ results }) =>
        results.map(({ result, count }) => (
          <StateBadge key={result} tone={GOOD.test(result) ? 'good' : 'bad'}>
            {result} {format.number(count)}
          </StateBadge>
        )),
    },
  ]
  const span = (
    <NativeSelect
      label={t('mail_reports.span')}
      value={days}
      onChange={(event) => setDays(event.currentTarget.value)}
      data={DAYS.map((count) => ({ value: String(count), label: t('mail_reports.days', { count }) }))}
    />
  )
  return (
    <ListPage
      title={t('nav.mail_reports')}
      about={t('mail_reports.about')}
      query={query}
      columns={columns}
      rowKey={({ kind, domain, day, reporter }) => `${kind} ${domain} ${day} ${reporter}`}
      icon="pulse"
      none={t('mail_reports.none')}
      filters={{
        label: t('mail_reports.filters'),
        by: [{ label: t('mail_reports.span'), value: days, input: span }],
      }}
    />
  )
}

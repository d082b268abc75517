/** One report: who reported what, and what can be done about it, a click away each. */
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { AbuseReportDetails } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { TextBlock } from '../../parts/text-block.tsx'
import { CloseReport, TakeReport } from './report-state.tsx'
import { ReportActions } from './report-actions.tsx'
import { ACTIONS, TONES } from './words.ts'

export default function AbuseReportPage({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi('/v1/abuse-reports/{id}', { params: { id } })
  const report = query.data
  const isOpen = report !== undefined && report.state !== 'closed' && may('abuse:write')
  return (
    <>
      <PageHeader
        title={report === undefined ? t('abuse.report') : t(`abuse.categories.${report.category}`)}
        parent={{ href: '/abuse', label: t('nav.abuse') }}
        actions={
          isOpen && (
            <>
              <TakeReport report={report} />
              <CloseReport report={report} />
            </>
          )
        }
      />
      <QueryView query={query}>
        {(shown) => (
          <>
            <Facts report={shown} />
            {isOpen && (
              <SectionCard title={t('abuse.act')} about={t('abuse.act_about')}>
                <ReportActions report={shown} />
              </SectionCard>
            )}
            <Said report={shown} />
          </>
        )}
      </QueryView>
    </>
  )
}

interface OfReport {
  readonly report: AbuseReportDetails
}

function Facts({ report }: OfReport) {
  const { t } = useTranslation()
  const format = useFormat()
  const { source, state, outcome, about, account, actions, closed_on: closed } = report
  return (
    <SectionCard title={t('account.facts')}>
      <FactList
        facts={[
          [t('accounts.state'), <State key="state" report={report} />],
          [t('abuse.outcome'), state === 'closed' && outcome ? t(`abuse.outcomes.${outcome}`) : undefined],
          [t('abuse.source'), t(`abuse.sources.${source}`)],
          [t('abuse.subject'), about],
          [
            t('abuse.account'),
            account && <Link href={`/accounts/${encodeURIComponent(account)}`}>{account}</Link>,
          ],
          [
            t('abuse.acted'),
            ACTIONS.filter((action) => actions.includes(action))
              .map((action) => t(`abuse.actions.${action}`))
              .join(', ') || undefined,
          ],
          ...useReporterFacts(report),
          [t('desk.received'), format.day(report.received_on)],
          [t('legal.closed'), closed && format.day(closed)],
        ]}
      />
    </SectionCard>
  )
}

function useReporterFacts({ source, named, reporter }: AbuseReportDetails) {
  const { t } = useTranslation()
  if (source === 'mail') return []
  if (!named) return [[t('abuse.reporter'), t('abuse.no_name')]] as const
  const { first_name: first = '', last_name: last = '', contact } = reporter ?? {}
  return [
    [t('abuse.reporter'), `${first} ${last}`],
    [t('abuse.contact'), contact],
  ] as const
}

function State({ report: { state } }: OfReport) {
  const { t } = useTranslation()
  return <StateBadge tone={TONES[state]}>{t(`abuse.states.${state}`)}</StateBadge>
}

/** A mail stays at the desk, under the same number. */
function Said({ report: { id, source, state, text, headers } }: OfReport) {
  const { t } = useTranslation()
  if (source === 'mail')
    return (
      <SectionCard title={t('abuse.said')}>
        {state === 'closed' ? t('abuse.mail_gone') : <Link href={`/desk/${id}`}>{t('abuse.read_mail')}</Link>}
      </SectionCard>
    )
  return (
    <>
      {text !== undefined && (
        <SectionCard title={t('abuse.said')}>
          <TextBlock label={t('abuse.said')} text={text} />
        </SectionCard>
      )}
      {headers !== undefined && (
        <SectionCard title={t('abuse.headers')} about={t('abuse.headers_about')}>
          <TextBlock label={t('abuse.headers')} text={headers} />
        </SectionCard>
      )}
    </>
  )
}

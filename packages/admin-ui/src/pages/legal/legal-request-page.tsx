/** One request of an authority: what it asks, how far it is, and the next step. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { LegalRequest } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { LegalActions } from './legal-actions.tsx'
import { Production } from './production.tsx'
import { TONES } from './words.ts'

export default function LegalRequestPage({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi('/v1/legal-requests/{request}', { params: { request: id } })
  return (
    <>
      <PageHeader
        title={query.data?.authority ?? t('legal.request')}
        parent={{ href: '/legal', label: t('nav.legal') }}
        actions={query.data !== undefined && may('legal:write') && <LegalActions request={query.data} />}
      />
      <QueryView query={query}>
        {(request) => (
          <>
            <Progress request={request} />
            <Asked request={request} />
            {request.state === 'produced' && <Production id={id} />}
          </>
        )}
      </QueryView>
    </>
  )
}

interface OfRequest {
  readonly request: LegalRequest
}

function Progress({ request }: OfRequest) {
  const { t } = useTranslation()
  const format = useFormat()
  const { state, refused_because: because, closed_on: closed, notified_on: told, gag_until: gag } = request
  const forbidden = gag === undefined ? t('legal.not_told') : t('legal.gagged', { day: format.day(gag) })
  return (
    <SectionCard title={t('legal.progress')} about={t(`legal.next.${state}`)}>
      <FactList
        facts={[
          [
            t('accounts.state'),
            <StateBadge key="state" tone={TONES[state]}>
              {t(`legal.states.${state}`)}
            </StateBadge>,
          ],
          [t('legal.because'), because.map((word) => t(`legal.refusals.${word}`)).join(', ') || undefined],
          [t('legal.told'), told === undefined ? forbidden : format.day(told)],
          [t('legal.closed'), closed && format.day(closed)],
        ]}
      />
    </SectionCard>
  )
}

function Asked({ request }: OfRequest) {
  const { t } = useTranslation()
  const format = useFormat()
  return (
    <SectionCard title={t('legal.asked')}>
      <FactList
        facts={[
          [t('legal.kind'), t(`legal.kinds.${request.kind}`)],
          [t('legal.basis'), request.legal_basis],
          [t('legal.username'), request.username],
          [t('legal.sought'), request.sought.map((word) => t(`legal.things.${word}`)).join(', ') || '–'],
          [t('legal.device_type'), request.device_type],
          [t('legal.sought_otherwise'), request.sought_otherwise],
          [t('legal.official_address'), request.official_address ?? '–'],
          [t('legal.letterhead'), t(`legal.letterheads.${request.letterhead}`)],
          [t('legal.way'), t(`legal.ways.${request.received_how}`)],
          [t('legal.received_on'), format.day(request.received_on)],
        ]}
      />
    </SectionCard>
  )
}

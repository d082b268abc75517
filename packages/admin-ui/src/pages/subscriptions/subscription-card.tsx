/** The subscription of one organisation or account, on its page. */
import { useTranslation } from 'react-i18next'
import type { Answer } from '../../api/operations.ts'
import { useApi, type ApiQuery } from '../../api/queries.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { FeeBadge, useGuarantee } from './fee-badge.tsx'

type Shown = Answer<'GET', '/v1/subscriptions/organisations/{id}'>

export function OrganisationSubscription({ id }: { readonly id: string }) {
  return <Card query={useApi('/v1/subscriptions/organisations/{id}', { params: { id } })} />
}

export function AccountSubscription({ jid }: { readonly jid: string }) {
  return <Card query={useApi('/v1/subscriptions/accounts/{jid}', { params: { jid } })} />
}

function Card({ query }: { readonly query: ApiQuery<Shown> }) {
  const { t } = useTranslation()
  return (
    <SectionCard title={t('subscriptions.subscription')}>
      {query.error?.type === 'subscription-unknown' ? (
        <p className="muted">{t('subscriptions.has_none')}</p>
      ) : (
        <QueryView query={query}>{(subscription) => <Facts subscription={subscription} />}</QueryView>
      )}
    </SectionCard>
  )
}

function Facts({ subscription }: { readonly subscription: Shown }) {
  const { t } = useTranslation()
  const format = useFormat()
  const guaranteeOf = useGuarantee()
  const { term_months: months, started_on: started, renews_on: renews, suspends_on: suspends } = subscription
  return (
    <FactList
      facts={[
        [t('subscriptions.fee'), <FeeBadge key="fee" subscription={subscription} />],
        [t('subscriptions.suspends_on'), suspends && format.day(suspends)],
        [t('subscriptions.renews_on'), format.day(renews)],
        [t('subscriptions.started_on'), format.day(started)],
        [t('subscriptions.guarantee'), guaranteeOf(subscription)],
        [t('subscriptions.term'), format.number(months)],
        [t('subscriptions.reference'), subscription.reference],
        [t('subscriptions.billing_method'), subscription.billing_method],
      ]}
    />
  )
}

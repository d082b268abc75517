/** What the server knows of the account, what the operator tells its owner, and which policies wait for agreement. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { AccountStateBadge } from '../accounts/account-state-badge.tsx'
import { OwnNotices } from './own-notices.tsx'
import { OwnPolicies } from './own-policies.tsx'

export default function HomePage() {
  const { t } = useTranslation()
  return (
    <>
      <PageHeader title={t('own.home.title')} about={t('own.home.about')} />
      <OwnNotices />
      <Facts />
      <OwnPolicies />
    </>
  )
}

function Facts() {
  const { t } = useTranslation()
  const format = useFormat()
  const query = useApi('/v1/me', {})
  const { data: owed } = useApi('/v1/me/subscription', {})
  const subscription = owed?.subscription
  const day = (iso: string | undefined) => iso && format.day(iso)
  return (
    <SectionCard title={t('account.facts')}>
      <QueryView query={query}>
        {(account) => (
          <FactList
            facts={[
              [t('accounts.address'), account.jid],
              [t('accounts.state'), <AccountStateBadge key="state" account={account} />],
              [t('accounts.created'), format.day(account.created_on)],
              [t('accounts.used'), day(account.last_used_on) ?? t('accounts.never_used')],
              [t('own.home.renews'), day(subscription?.renews_on)],
              [t('own.home.fee'), subscription && t(`own.home.fees.${subscription.fee}`)],
              [t('own.home.suspends'), day(subscription?.suspends_on)],
              [t('own.home.ends'), day(account.terminates_on)],
            ]}
          />
        )}
      </QueryView>
    </SectionCard>
  )
}

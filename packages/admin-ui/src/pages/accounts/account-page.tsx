/** One account: what is known of it, its devices and what waits for them, its plan, and what can be done. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Account } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { AccountSubscription } from '../subscriptions/subscription-card.tsx'
import { AccountActions } from './account-actions.tsx'
import { AccountDevices } from './account-devices.tsx'
import { AccountMailLimit } from './account-mail-limit.tsx'
import { AccountPlan } from './account-plan.tsx'
import { AccountQueues } from './account-queues.tsx'
import { AccountStateBadge } from './account-state-badge.tsx'

export default function AccountPage({ jid }: { readonly jid: string }) {
  const { t } = useTranslation()
  const query = useApi('/v1/accounts/{jid}', { params: { jid } })
  return (
    <>
      <PageHeader
        title={jid}
        parent={{ href: '/accounts', label: t('accounts.title') }}
        actions={query.isSuccess && <AccountActions account={query.data} />}
      />
      <QueryView query={query}>{(account) => <Sections account={account} />}</QueryView>
    </>
  )
}

function Sections({ account }: { readonly account: Account }) {
  const may = useMay()
  const isThere = account.state !== 'terminated'
  return (
    <>
      <Facts account={account} />
      {isThere && may('devices:read') && <AccountDevices jid={account.jid} />}
      {isThere && may('devices:read') && <AccountQueues jid={account.jid} />}
      {may('billing:read') && <AccountSubscription jid={account.jid} />}
      {isThere && may('plans:read') && <AccountPlan jid={account.jid} />}
      {isThere && <AccountMailLimit jid={account.jid} />}
    </>
  )
}

function Facts({ account }: { readonly account: Account }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { reason, created_on: created, last_used_on: used } = account
  const { suspended_until: until, terminates_on: ends } = account
  return (
    <SectionCard title={t('account.facts')}>
      <FactList
        facts={[
          [t('accounts.state'), <AccountStateBadge key="state" account={account} />],
          [t('common.reason'), reason],
          [t('account.suspend_until'), until && format.day(until)],
          [t('ending.on'), ends && format.day(ends)],
          [t('accounts.created'), format.day(created)],
          [t('accounts.used'), used === undefined ? t('accounts.never_used') : format.day(used)],
          [t('account.id'), <code key="id">{account.id}</code>],
        ]}
      />
    </SectionCard>
  )
}

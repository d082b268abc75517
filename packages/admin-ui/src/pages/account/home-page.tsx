/** What the server knows of the account. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { AccountStateBadge } from '../accounts/account-state-badge.tsx'

export default function HomePage() {
  const { t } = useTranslation()
  const format = useFormat()
  const query = useApi('/v1/me', {})
  return (
    <>
      <PageHeader title={t('own.home.title')} about={t('own.home.about')} />
      <SectionCard title={t('account.facts')}>
        <QueryView query={query}>
          {(account) => (
            <FactList
              facts={[
                [t('accounts.address'), account.jid],
                [t('accounts.state'), <AccountStateBadge key="state" account={account} />],
                [t('accounts.created'), format.day(account.created_on)],
                [
                  t('accounts.used'),
                  account.last_used_on === undefined
                    ? t('accounts.never_used')
                    : format.day(account.last_used_on),
                ],
              ]}
            />
          )}
        </QueryView>
      </SectionCard>
    </>
  )
}

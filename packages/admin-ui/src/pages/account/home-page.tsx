/** What the server knows of the account. */
import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Problem } from '../../api/problem.ts'
import { useApi } from '../../api/queries.ts'
import { request } from '../../api/request.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { Icon } from '../../parts/icon.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { saveFile } from '../../parts/save-file.ts'
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
      <OwnData />
    </>
  )
}

/** Everything at once, as a file. */
function OwnData() {
  const { t } = useTranslation()
  const data = useMutation<object, Problem>({
    mutationFn: () => request('GET', '/v1/me/export', { query: { format: 'json' } }),
    onSuccess: (exported) => saveFile('account.json', exported),
  })
  return (
    <SectionCard title={t('own.data.title')} about={t('own.data.about')}>
      <ProblemAlert problem={data.error} />
      <Button
        variant="default"
        leftSection={<Icon name="download" size={16} />}
        loading={data.isPending}
        onClick={() => data.mutate()}
      >
        {t('own.data.export')}
      </Button>
    </SectionCard>
  )
}

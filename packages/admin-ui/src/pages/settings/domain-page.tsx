/** One domain: its policy, what DNS has to say for it, the keys that sign its mail. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { DnsDoctor } from './dns-doctor.tsx'
import { DkimKeys } from './dkim-keys.tsx'
import { DomainPolicyForm } from './domain-policy-form.tsx'

export default function DomainPage({ domain }: { readonly domain: string }) {
  const { t } = useTranslation()
  const may = useMay()
  const policy = useApi('/v1/domains/{domain}/policy', { params: { domain } })
  return (
    <>
      <PageHeader title={domain} parent={{ href: '/domains', label: t('nav.domains') }} />
      <SectionCard title={t('domains.policy')} about={t('domains.policy_about')}>
        <QueryView query={policy}>
          {(decided) => <DomainPolicyForm policy={decided} isReadOnly={!may('domains:write')} />}
        </QueryView>
      </SectionCard>
      <DkimKeys domain={domain} />
      <DnsDoctor domain={domain} />
    </>
  )
}

/** One domain: its policy, what DNS has to say for it, the keys that sign its mail. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { CopyField } from '../../parts/copy-field.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { DkimKeys } from './dkim-keys.tsx'
import { DomainPolicyForm } from './domain-policy-form.tsx'
import classes from './settings.module.css'

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
      <Records domain={domain} />
    </>
  )
}

function Records({ domain }: { readonly domain: string }) {
  const { t } = useTranslation()
  const query = useApi('/v1/domains/{domain}/records', { params: { domain } })
  return (
    <SectionCard title={t('domains.records')} about={t('domains.records_about')}>
      <QueryView query={query}>
        {({ items }) => (
          <dl className={classes.records}>
            {items.map(({ name, record }) => (
              <div key={name}>
                <dt className={classes.recordName}>{name}</dt>
                <dd className={classes.record}>
                  <CopyField label={name} value={record} />
                </dd>
              </div>
            ))}
          </dl>
        )}
      </QueryView>
    </SectionCard>
  )
}

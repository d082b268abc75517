/** The operator's policies, every version of each. */
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { PolicyVersion } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { nameOfLanguage } from '../../app/language.ts'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { ForceBadge } from './force-badge.tsx'
import { PublishPolicyDialog } from './publish-policy-dialog.tsx'

export default function PoliciesPage() {
  const { t } = useTranslation()
  const may = useMay()
  const [isPublishing, publishing] = useDisclosure(false)
  const query = useApi('/v1/policies', {})
  const columns = useColumns()
  return (
    <>
      <ListPage
        title={t('nav.policies')}
        about={t('policies.about')}
        create={may('policies:write') && { label: t('policies.publish'), onClick: publishing.open }}
        query={query}
        columns={columns}
        rowKey={({ kind, version }) => `${kind} ${String(version)}`}
        icon="audit"
        none={t('policies.none')}
      />
      <PublishPolicyDialog isOpen={isPublishing} onClose={publishing.close} />
    </>
  )
}

function useColumns(): readonly Column<PolicyVersion>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'kind',
      label: t('policies.policy'),
      isName: true,
      cell: ({ kind, version }) => (
        <Link href={`/policies/${kind}/${String(version)}`}>
          {t('policies.named', { policy: t(`policies.kinds.${kind}`), version })}
        </Link>
      ),
    },
    { key: 'force', label: t('accounts.state'), cell: (policy) => <ForceBadge policy={policy} /> },
    { key: 'published', label: t('policies.published_on'), cell: ({ published_on: day }) => format.day(day) },
    { key: 'effective', label: t('policies.effective_on'), cell: ({ effective_on: day }) => format.day(day) },
    {
      key: 'languages',
      label: t('policies.languages'),
      cell: ({ languages }) => languages.map(nameOfLanguage).join(', '),
    },
  ]
}

/** The domains of this server. */
import { Paper } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useApi } from '../../api/queries.ts'
import type { Domain } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'

export default function DomainsPage() {
  const { t } = useTranslation()
  const format = useFormat()
  const query = useApi('/v1/domains', {})
  const asServer = <span className="muted">{t('domains.as_server')}</span>
  const columns: readonly Column<Domain>[] = [
    {
      key: 'domain',
      label: t('domains.domain'),
      isName: true,
      cell: ({ domain }) => <Link href={`/domains/${domain}`}>{domain}</Link>,
    },
    {
      key: 'e2ee',
      label: t('domains.e2ee'),
      cell: ({ e2ee }) => (e2ee === undefined ? asServer : t(`domains.e2ee_values.${e2ee}`)),
    },
    {
      key: 'storage',
      label: t('domains.storage'),
      cell: ({ storage }) => (storage === undefined ? asServer : t(`domains.storage_values.${storage}`)),
    },
    {
      key: 'ttl',
      label: t('domains.ttl'),
      cell: ({ message_ttl_seconds: ttl }) => (ttl === undefined ? asServer : format.seconds(ttl)),
    },
    {
      key: 'pgp',
      label: t('domains.mail_pgp'),
      cell: ({ mail_pgp: pgp }) => (pgp === undefined ? asServer : t(`domains.mail_pgp_values.${pgp}`)),
    },
  ]
  return (
    <>
      <PageHeader title={t('nav.domains')} about={t('domains.about')} />
      <Paper p="md">
        <QueryView query={query}>
          {({ items }) => (
            <DataTable
              label={t('nav.domains')}
              columns={columns}
              rows={items}
              rowKey={({ domain }) => domain}
              empty={null}
            />
          )}
        </QueryView>
      </Paper>
    </>
  )
}

/** Keys for programs that use the API. */
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { ApiKey } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { CreateApiKeyDialog } from './create-api-key-dialog.tsx'

export default function ApiKeysPage() {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi('/v1/api-keys', {})
  const [isCreating, creating] = useDisclosure(false)
  const [revoking, setRevoking] = useState<ApiKey>()
  const columns = useColumns(setRevoking)
  const revoke = useCommand({
    method: 'DELETE',
    path: '/v1/api-keys/{id}',
    changes: ['/v1/api-keys'],
    done: t('api_keys.revoked'),
    onDone: () => setRevoking(undefined),
  })
  return (
    <>
      <ListPage
        title={t('nav.api_keys')}
        about={t('api_keys.about')}
        create={may('apikeys:write') && { label: t('api_keys.create'), onClick: creating.open }}
        query={query}
        columns={columns}
        rowKey={({ id }) => id}
        icon="key"
        none={t('api_keys.none')}
      />
      <CreateApiKeyDialog isOpen={isCreating} onClose={creating.close} />
      <ConfirmDialog
        isOpen={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={t('api_keys.revoke_named', { label: revoking?.label ?? '' })}
        consequence={t('api_keys.revoke_consequence')}
        submitLabel={t('api_keys.revoke')}
        command={revoke}
        onConfirm={() => revoking && revoke.run({ params: { id: revoking.id } })}
      />
    </>
  )
}

function useColumns(onRevoke: (key: ApiKey) => void): readonly Column<ApiKey>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const columns: Column<ApiKey>[] = [
    { key: 'label', label: t('api_keys.label'), isName: true, cell: ({ label }) => label },
    {
      key: 'scopes',
      label: t('api_keys.scopes'),
      cell: ({ scopes }) => (scopes.includes('*') ? t('api_keys.all') : scopes.join(', ')),
    },
    { key: 'created', label: t('api_keys.created'), cell: ({ created_on: day }) => format.day(day) },
    {
      key: 'used',
      label: t('api_keys.used'),
      cell: ({ last_used_on: day }) => (day === undefined ? t('api_keys.never_used') : format.day(day)),
    },
    {
      key: 'expires',
      label: t('api_keys.expires'),
      cell: ({ expires_on: day }) => (day === undefined ? t('api_keys.never') : format.day(day)),
    },
  ]
  if (!may('apikeys:write')) return columns
  const revoke: Column<ApiKey> = {
    key: 'revoke',
    label: t('common.action'),
    cell: (key) => (
      <RowButton label={t('api_keys.revoke_named', { label: key.label })} onClick={() => onRevoke(key)}>
        {t('api_keys.revoke')}
      </RowButton>
    ),
  }
  return [...columns, revoke]
}

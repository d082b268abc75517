/** Passwords of programs, each with a name of its own to sign in with, taken back one by one. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import type { AppPassword } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { CreateAppPasswordDialog } from './create-app-password-dialog.tsx'

const PATH = '/v1/me/app-passwords'

export function AppPasswords() {
  const { t } = useTranslation()
  const query = useApi(PATH, {})
  const [isCreating, creating] = useDisclosure(false)
  const [revoking, setRevoking] = useState<AppPassword>()
  const columns = useColumns(setRevoking)
  const revoke = useCommand({
    method: 'DELETE',
    path: `${PATH}/{id}`,
    changes: [PATH],
    done: t('own.app_passwords.revoked'),
    onDone: () => setRevoking(undefined),
  })
  return (
    <SectionCard
      title={t('own.app_passwords.title')}
      about={t('own.app_passwords.about')}
      actions={
        <Button variant="default" onClick={creating.open}>
          {t('own.app_passwords.create')}
        </Button>
      }
    >
      <QueryView query={query}>
        {({ items }) => (
          <DataTable
            label={t('own.app_passwords.title')}
            columns={columns}
            rows={items}
            rowKey={({ id }) => id}
            empty={<EmptyState icon="lock" text={t('own.app_passwords.none')} />}
          />
        )}
      </QueryView>
      <CreateAppPasswordDialog isOpen={isCreating} onClose={creating.close} />
      <ConfirmDialog
        isOpen={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={t('api_keys.revoke_named', { label: revoking?.name ?? '' })}
        consequence={t('own.app_passwords.consequence')}
        submitLabel={t('api_keys.revoke')}
        command={revoke}
        onConfirm={() => revoking && revoke.run({ params: { id: revoking.id } })}
      />
    </SectionCard>
  )
}

function useColumns(onRevoke: (appPassword: AppPassword) => void): readonly Column<AppPassword>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    { key: 'name', label: t('own.app_passwords.name'), isName: true, cell: ({ name }) => name },
    {
      key: 'scopes',
      label: t('own.app_passwords.scopes'),
      cell: ({ scopes }) => scopes.map((scope) => t(`own.app_passwords.scope_names.${scope}`)).join(', '),
    },
    { key: 'created', label: t('api_keys.created'), cell: ({ created_on: day }) => format.day(day) },
    {
      key: 'used',
      label: t('api_keys.used'),
      cell: ({ last_used_on: day }) => (day === undefined ? t('api_keys.never_used') : format.day(day)),
    },
    {
      key: 'revoke',
      label: t('common.action'),
      cell: (appPassword) => (
        <RowButton
          label={t('api_keys.revoke_named', { label: appPassword.name })}
          onClick={() => onRevoke(appPassword)}
        >
          {t('api_keys.revoke')}
        </RowButton>
      ),
    },
  ]
}

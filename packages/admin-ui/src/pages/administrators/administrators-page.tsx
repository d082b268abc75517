/** Who administers, and with what rights. */
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import { useMay, useSession } from '../../api/session.ts'
import type { Administrator } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { RowButton } from '../../parts/row-button.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { InviteAdministratorDialog } from './invite-administrator-dialog.tsx'
import { RemoveAdministratorDialog } from './remove-administrator-dialog.tsx'

export default function AdministratorsPage() {
  const { t } = useTranslation()
  const may = useMay()
  const { result, paging } = usePages('/v1/administrators', {})
  const [isInviting, inviting] = useDisclosure(false)
  const [removing, setRemoving] = useState<Administrator>()
  const columns = useColumns(setRemoving)
  return (
    <>
      <ListPage
        title={t('nav.administrators')}
        about={t('administrators.about')}
        create={may('admins:write') && { label: t('administrators.invite'), onClick: inviting.open }}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="accounts"
        none={t('administrators.none')}
      />
      <InviteAdministratorDialog isOpen={isInviting} onClose={inviting.close} />
      <RemoveAdministratorDialog administrator={removing} onClose={() => setRemoving(undefined)} />
    </>
  )
}

function useColumns(onRemove: (administrator: Administrator) => void): readonly Column<Administrator>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const { data: session } = useSession()
  const columns: Column<Administrator>[] = [
    { key: 'name', label: t('administrators.name'), isName: true, cell: ({ name }) => name },
    { key: 'role', label: t('administrators.role'), cell: ({ role }) => t(`roles.${role}`) },
    {
      key: 'passkeys',
      label: t('administrators.passkeys'),
      cell: ({ passkeys, totp }) => (
        <>
          <StateBadge tone={passkeys > 1 ? 'good' : 'warn'}>
            {t('administrators.passkeys_count', { count: passkeys })}
          </StateBadge>{' '}
          {totp && <StateBadge tone="quiet">{t('administrators.totp')}</StateBadge>}
        </>
      ),
    },
    { key: 'created', label: t('administrators.since'), cell: ({ created_on: day }) => format.day(day) },
    {
      key: 'used',
      label: t('accounts.used'),
      cell: ({ last_used_on: day }) => (day === undefined ? t('accounts.never_used') : format.day(day)),
    },
  ]
  if (!may('admins:write')) return columns
  const remove: Column<Administrator> = {
    key: 'remove',
    label: t('common.action'),
    cell: (one) =>
      one.id !== session?.administrator.id && (
        <RowButton onClick={() => onRemove(one)} label={t('administrators.remove_named', { name: one.name })}>
          {t('common.remove')}
        </RowButton>
      ),
  }
  return [...columns, remove]
}

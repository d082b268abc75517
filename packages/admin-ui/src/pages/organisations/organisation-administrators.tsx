/** The administrators of an organisation, of whom there are four at most. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Administrator } from '../../api/types.ts'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { InviteAdministratorDialog } from '../administrators/invite-administrator-dialog.tsx'
import { RemoveAdministratorDialog } from '../administrators/remove-administrator-dialog.tsx'

/** As the terms of service say, and as the database enforces. */
const ADMINISTRATORS_MAX = 4

export function OrganisationAdministrators({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi('/v1/administrators', { query: { organisation: id } })
  const [isInviting, inviting] = useDisclosure(false)
  const [removing, setRemoving] = useState<Administrator>()
  const count = query.data?.items.length ?? 0
  const columns: readonly Column<Administrator>[] = [
    { key: 'name', label: t('administrators.name'), isName: true, cell: ({ name }) => name },
    { key: 'role', label: t('administrators.role'), cell: ({ role }) => t(`roles.${role}`) },
    {
      key: 'remove',
      label: t('common.action'),
      cell: (one) =>
        may('admins:write') && (
          <RowButton
            label={t('administrators.remove_named', { name: one.name })}
            onClick={() => setRemoving(one)}
          >
            {t('common.remove')}
          </RowButton>
        ),
    },
  ]
  return (
    <SectionCard
      title={t('organisations.administrators', { count, max: ADMINISTRATORS_MAX })}
      about={t('organisations.administrators_about')}
      actions={
        may('admins:write') && (
          <Button variant="default" onClick={inviting.open}>
            {t('administrators.invite')}
          </Button>
        )
      }
    >
      <QueryView query={query}>
        {({ items }) => (
          <DataTable
            label={t('nav.administrators')}
            columns={columns}
            rows={items}
            rowKey={(one) => one.id}
            empty={<EmptyState icon="person" text={t('administrators.none')} />}
          />
        )}
      </QueryView>
      <InviteAdministratorDialog isOpen={isInviting} onClose={inviting.close} organisation={id} />
      <RemoveAdministratorDialog administrator={removing} onClose={() => setRemoving(undefined)} />
    </SectionCard>
  )
}

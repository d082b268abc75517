/** Invites with which people make accounts of their own. */
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Invite } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { CreateInviteDialog } from './create-invite-dialog.tsx'
import { InviteDialog } from './invite-dialog.tsx'
import { RevokeInviteDialog } from './revoke-invite-dialog.tsx'

export default function InvitesPage() {
  const { t } = useTranslation()
  const may = useMay()
  const { result, paging } = usePages('/v1/invites', {})
  const [isCreating, creating] = useDisclosure(false)
  const [shown, setShown] = useState<string>()
  const [revoking, setRevoking] = useState<Invite>()
  const columns = useColumns({ onShow: setShown, onRevoke: setRevoking })
  return (
    <>
      <ListPage
        title={t('nav.invites')}
        about={t('invites.about')}
        create={may('invites:write') && { label: t('invites.create'), onClick: creating.open }}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="invite"
        none={t('invites.none')}
      />
      <CreateInviteDialog isOpen={isCreating} onClose={creating.close} onMade={setShown} />
      {shown !== undefined && <InviteDialog id={shown} onClose={() => setShown(undefined)} />}
      <RevokeInviteDialog invite={revoking} onClose={() => setRevoking(undefined)} />
    </>
  )
}

interface Actions {
  readonly onShow: (id: string) => void
  readonly onRevoke: (invite: Invite) => void
}

function useColumns({ onShow, onRevoke }: Actions): readonly Column<Invite>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const columns: Column<Invite>[] = [
    {
      key: 'who',
      label: t('invites.who'),
      isName: true,
      cell: ({ name, domain }) =>
        name === undefined ? t('invites.anybody', { domain }) : `${name}@${domain}`,
    },
    { key: 'plan', label: t('account.plan'), cell: ({ plan }) => plan ?? '–' },
    {
      key: 'uses',
      label: t('invites.used'),
      isNumber: true,
      cell: ({ used, uses }) =>
        t('invites.used_of', { used: format.number(used), uses: format.number(uses) }),
    },
    { key: 'until', label: t('invites.until'), cell: ({ expires_at: at }) => format.moment(at) },
  ]
  if (!may('invites:write')) return columns
  const actions: Column<Invite> = {
    key: 'actions',
    label: t('common.action'),
    cell: (invite) => (
      <>
        <RowButton
          label={t('invites.show_named', { id: invite.id.slice(0, 8) })}
          onClick={() => onShow(invite.id)}
        >
          {t('invites.show')}
        </RowButton>{' '}
        <RowButton
          label={t('invites.revoke_named', { id: invite.id.slice(0, 8) })}
          onClick={() => onRevoke(invite)}
        >
          {t('invites.revoke')}
        </RowButton>
      </>
    ),
  }
  return [...columns, actions]
}

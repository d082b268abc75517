/** One's mailing lists: whom they reach is what their members confirmed. */
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import type { MailingList } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { AddMemberDialog } from './add-member-dialog.tsx'
import { CreateListDialog } from './create-list-dialog.tsx'

export default function ListsPage() {
  const { t } = useTranslation()
  const query = useApi('/v1/me/lists', {})
  const [isCreating, creating] = useDisclosure(false)
  const [asking, setAsking] = useState<string>()
  const [removing, setRemoving] = useState<string>()
  const columns = useColumns({ onAsk: setAsking, onRemove: setRemoving })
  const remove = useCommand({
    method: 'DELETE',
    path: '/v1/me/lists/{list}',
    changes: ['/v1/me/lists'],
    done: t('own.lists.removed'),
    onDone: () => setRemoving(undefined),
  })
  return (
    <>
      <ListPage
        title={t('own.nav.lists')}
        about={t('own.lists.about')}
        create={{ label: t('own.lists.create'), onClick: creating.open }}
        query={query}
        columns={columns}
        rowKey={({ list }) => list}
        icon="list"
        none={t('own.lists.none')}
      />
      <CreateListDialog isOpen={isCreating} onClose={creating.close} />
      {asking !== undefined && <AddMemberDialog list={asking} onClose={() => setAsking(undefined)} />}
      <ConfirmDialog
        isOpen={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={t('own.lists.remove_named', { list: removing ?? '' })}
        consequence={t('own.lists.remove_consequence')}
        submitLabel={t('common.remove')}
        command={remove}
        onConfirm={() => removing !== undefined && remove.run({ params: { list: removing } })}
      />
    </>
  )
}

interface Actions {
  readonly onAsk: (list: string) => void
  readonly onRemove: (list: string) => void
}

function useColumns({ onAsk, onRemove }: Actions): readonly Column<MailingList>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    { key: 'list', label: t('own.lists.name'), isName: true, cell: ({ list }) => list },
    {
      key: 'confirmed',
      label: t('own.lists.confirmed'),
      isNumber: true,
      cell: ({ confirmed }) => format.number(confirmed),
    },
    { key: 'asked', label: t('own.lists.asked'), isNumber: true, cell: ({ asked }) => format.number(asked) },
    { key: 'left', label: t('own.lists.left'), isNumber: true, cell: ({ left }) => format.number(left) },
    {
      key: 'actions',
      label: t('common.action'),
      cell: ({ list }) => (
        <>
          <RowButton label={t('own.lists.ask_named', { list })} onClick={() => onAsk(list)}>
            {t('own.lists.ask')}
          </RowButton>{' '}
          <RowButton label={t('own.lists.remove_named', { list })} onClick={() => onRemove(list)}>
            {t('common.remove')}
          </RowButton>
        </>
      ),
    },
  ]
}

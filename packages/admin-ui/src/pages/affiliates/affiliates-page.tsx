/** Affiliates: who is paid for referring customers, and the statements of each. */
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Affiliate } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { CreateAffiliateDialog } from './create-affiliate-dialog.tsx'
import { useDollars } from './dollars.ts'
import { StatementsDialog } from './statements-dialog.tsx'

const PATH = '/v1/affiliates'

export default function AffiliatesPage() {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi(PATH, {})
  const [isCreating, creating] = useDisclosure(false)
  const [shown, setShown] = useState<Affiliate>()
  const [closed, setClosed] = useState<Affiliate>()
  const columns = useColumns({ onStatements: setShown, onClose: setClosed })
  const close = useCommand({
    method: 'DELETE',
    path: `${PATH}/{id}`,
    changes: [PATH],
    done: t('affiliates.closed_done'),
    onDone: () => setClosed(undefined),
  })
  return (
    <>
      <ListPage
        title={t('nav.affiliates')}
        about={t('affiliates.about')}
        create={may('affiliates:write') && { label: t('affiliates.create'), onClick: creating.open }}
        query={query}
        columns={columns}
        rowKey={({ id }) => id}
        icon="person"
        none={t('affiliates.none')}
      />
      {isCreating && <CreateAffiliateDialog onClose={creating.close} />}
      {shown !== undefined && <StatementsDialog affiliate={shown} onClose={() => setShown(undefined)} />}
      <ConfirmDialog
        isOpen={closed !== undefined}
        onClose={() => setClosed(undefined)}
        title={t('affiliates.close_named', { label: closed?.label ?? '' })}
        consequence={t('affiliates.close_consequence')}
        submitLabel={t('affiliates.close')}
        command={close}
        onConfirm={() => closed && close.run({ params: { id: closed.id } })}
      />
    </>
  )
}

interface Actions {
  readonly onStatements: (affiliate: Affiliate) => void
  readonly onClose: (affiliate: Affiliate) => void
}

function useColumns({ onStatements, onClose }: Actions): readonly Column<Affiliate>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const dollars = useDollars()
  const may = useMay()
  return [
    { key: 'label', label: t('affiliates.name'), isName: true, cell: ({ label }) => label },
    { key: 'code', label: t('affiliates.code'), cell: ({ code }) => <code>{code}</code> },
    {
      key: 'commission',
      label: t('affiliates.commission'),
      isNumber: true,
      cell: ({ commission_cents: cents }) => dollars(cents),
    },
    {
      key: 'state',
      label: t('accounts.state'),
      cell: ({ closed }) => (
        <StateBadge tone={closed ? 'quiet' : 'good'}>
          {t(closed ? 'affiliates.closed' : 'affiliates.open')}
        </StateBadge>
      ),
    },
    { key: 'created', label: t('accounts.created'), cell: ({ created_on: day }) => format.day(day) },
    {
      key: 'actions',
      label: t('common.action'),
      cell: (affiliate) => (
        <>
          <RowButton
            label={t('affiliates.statements_named', { label: affiliate.label })}
            onClick={() => onStatements(affiliate)}
          >
            {t('affiliates.statements')}
          </RowButton>
          {!affiliate.closed && may('affiliates:write') && (
            <RowButton
              label={t('affiliates.close_named', { label: affiliate.label })}
              onClick={() => onClose(affiliate)}
            >
              {t('affiliates.close')}
            </RowButton>
          )}
        </>
      ),
    },
  ]
}

/** Terms and fees, as the billing system says; no amounts are kept here. */
import { Button, Group } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Subscription } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { Icon } from '../../parts/icon.tsx'
import { ListCard } from '../../parts/list-card.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { SubjectLink } from '../../parts/subject-link.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { EventsDialog } from './events-dialog.tsx'
import { FeeBadge, useGuarantee } from './fee-badge.tsx'
import { SubscriptionDialog } from './subscription-dialog.tsx'
import { FEES, STATES } from './words.ts'

export default function SubscriptionsPage() {
  const { t } = useTranslation()
  const may = useMay()
  const [edited, setEdited] = useState<Subscription | 'new'>()
  const [shown, setShown] = useState<Subscription>()
  const refunded = useCommand({
    method: 'POST',
    path: '/v1/subscriptions/{id}/refunded',
    changes: ['/v1/subscriptions', '/v1/audit'],
    done: t('subscriptions.refunded_done'),
  })
  const columns = useColumns({
    onChange: setEdited,
    onEvents: setShown,
    onRefunded: (id) => refunded.run({ params: { id } }),
  })
  return (
    <>
      <PageHeader
        title={t('nav.subscriptions')}
        about={t('subscriptions.about')}
        actions={
          may('billing:write') && (
            <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setEdited('new')}>
              {t('subscriptions.create')}
            </Button>
          )
        }
      />
      <ProblemAlert problem={refunded.problem} />
      <List columns={columns} />
      {shown !== undefined && <EventsDialog subscription={shown} onClose={() => setShown(undefined)} />}
      {edited !== undefined && (
        <SubscriptionDialog
          subscription={edited === 'new' ? undefined : edited}
          onClose={() => setEdited(undefined)}
        />
      )}
    </>
  )
}

function List({ columns }: { readonly columns: readonly Column<Subscription>[] }) {
  const { t } = useTranslation()
  const [fee, setFee] = useState<Subscription['fee']>()
  const [state, setState] = useState<Subscription['state']>()
  const { result, paging } = usePages('/v1/subscriptions', { query: { fee, state } })
  return (
    <ListCard
      label={t('nav.subscriptions')}
      query={result}
      columns={columns}
      rowKey={({ id }) => id}
      paging={paging}
      icon="plan"
      none={t('subscriptions.none')}
      filters={{
        label: t('subscriptions.filters'),
        inputs: (
          <>
            <WordSelect
              label={t('subscriptions.fee')}
              words={FEES}
              value={fee}
              onChange={setFee}
              textOf={(word) => t(`subscriptions.fees.${word}`)}
              none={t('common.all')}
            />
            <WordSelect
              label={t('accounts.state')}
              words={STATES}
              value={state}
              onChange={setState}
              textOf={(word) => t(`subscriptions.states.${word}`)}
              none={t('common.all')}
            />
          </>
        ),
      }}
    />
  )
}

interface Acts {
  readonly onChange: (subscription: Subscription) => void
  readonly onEvents: (subscription: Subscription) => void
  readonly onRefunded: (id: string) => void
}

function useColumns(acts: Acts): readonly Column<Subscription>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const guaranteeOf = useGuarantee()
  return [
    {
      key: 'subject',
      label: t('subscriptions.whose'),
      isName: true,
      cell: (subscription) => <Whose subscription={subscription} />,
    },
    {
      key: 'fee',
      label: t('subscriptions.fee'),
      cell: (subscription) => <FeeBadge subscription={subscription} />,
    },
    {
      key: 'suspends',
      label: t('subscriptions.suspends_on'),
      cell: ({ suspends_on: day }) => (day === undefined ? '–' : format.day(day)),
    },
    { key: 'renews', label: t('subscriptions.renews_on'), cell: ({ renews_on: day }) => format.day(day) },
    { key: 'guarantee', label: t('subscriptions.guarantee'), cell: guaranteeOf },
    {
      key: 'actions',
      label: t('common.action'),
      cell: (subscription) => <RowActions subscription={subscription} {...acts} />,
    },
  ]
}

function Whose({ subscription: { organisation, account, name } }: { readonly subscription: Subscription }) {
  const kind = organisation === undefined ? 'account' : 'organisation'
  return <SubjectLink kind={kind} id={organisation ?? account ?? ''} name={name} />
}

interface RowActionsProps extends Acts {
  readonly subscription: Subscription
}

function RowActions({ subscription, onChange, onEvents, onRefunded }: RowActionsProps) {
  const { t } = useTranslation()
  const may = useMay()
  const { id, name = t('common.erased'), state } = subscription
  return (
    <Group gap={4}>
      {may('audit:read') && subscription.name !== undefined && (
        <RowButton label={t('subscriptions.events_of', { name })} onClick={() => onEvents(subscription)}>
          {t('subscriptions.events')}
        </RowButton>
      )}
      {may('billing:write') &&
        (state === 'refund-due' ? (
          <RowButton label={t('subscriptions.refunded_named', { name })} onClick={() => onRefunded(id)}>
            {t('subscriptions.refunded')}
          </RowButton>
        ) : (
          <RowButton label={t('plans.change_named', { name })} onClick={() => onChange(subscription)}>
            {t('common.change')}
          </RowButton>
        ))}
    </Group>
  )
}

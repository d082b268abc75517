/** Terms and fees, as the billing system says; no amounts are kept here. */
import { Group } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Subscription } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { useWordFilter } from '../../parts/filters.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { SubjectLink } from '../../parts/subject-link.tsx'
import { EventsDialog } from './events-dialog.tsx'
import { FeeBadge, useGuarantee } from './fee-badge.tsx'
import { SubscriptionDialog } from './subscription-dialog.tsx'
import { FEES, STATES } from './words.ts'

export default function SubscriptionsPage() {
  const { t } = useTranslation()
  const may = useMay()
  const fee = useWordFilter({
    label: t('subscriptions.fee'),
    words: FEES,
    textOf: (word) => t(`subscriptions.fees.${word}`),
  })
  const state = useWordFilter({
    label: t('accounts.state'),
    words: STATES,
    textOf: (word) => t(`subscriptions.states.${word}`),
  })
  const { result, paging } = usePages('/v1/subscriptions', {
    query: { fee: fee.value, state: state.value },
  })
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
      <ListPage
        title={t('nav.subscriptions')}
        about={t('subscriptions.about')}
        create={may('billing:write') && { label: t('subscriptions.create'), onClick: () => setEdited('new') }}
        problem={refunded.problem}
        query={result}
        columns={columns}
        rowKey={({ id }) => id}
        paging={paging}
        icon="plan"
        none={t('subscriptions.none')}
        filters={{ label: t('subscriptions.filters'), by: [fee, state] }}
      />
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

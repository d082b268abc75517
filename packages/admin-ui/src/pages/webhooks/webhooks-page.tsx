/** Where events are sent, and what could not be. */
import { Group } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Webhook } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { CreateWebhookDialog } from './create-webhook-dialog.tsx'
import { Deliveries } from './deliveries.tsx'
import { RemoveWebhookDialog } from './remove-webhook-dialog.tsx'
import { WebhookActions } from './webhook-actions.tsx'

export default function WebhooksPage() {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi('/v1/webhooks', {})
  const [isCreating, creating] = useDisclosure(false)
  const [removing, setRemoving] = useState<Webhook>()
  const columns = useColumns(setRemoving)
  return (
    <>
      <ListPage
        title={t('nav.webhooks')}
        about={t('webhooks.about')}
        create={may('webhooks:write') && { label: t('webhooks.create'), onClick: creating.open }}
        query={query}
        columns={columns}
        rowKey={({ id }) => id}
        icon="webhook"
        none={t('webhooks.none')}
      />
      <Deliveries />
      <CreateWebhookDialog isOpen={isCreating} onClose={creating.close} />
      <RemoveWebhookDialog webhook={removing} onClose={() => setRemoving(undefined)} />
    </>
  )
}

function useColumns(onRemove: (webhook: Webhook) => void): readonly Column<Webhook>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const columns: Column<Webhook>[] = [
    {
      key: 'url',
      label: t('webhooks.url'),
      isName: true,
      cell: ({ url, label }) => (label === '' ? url : `${label} (${url})`),
    },
    { key: 'events', label: t('webhooks.events'), cell: ({ events }) => events.join(', ') },
    { key: 'state', label: t('webhooks.state'), cell: (webhook) => <WebhookState webhook={webhook} /> },
    {
      key: 'delivered',
      label: t('webhooks.delivered'),
      cell: ({ delivered_on: day }) => (day === undefined ? t('accounts.never_used') : format.day(day)),
    },
  ]
  if (!may('webhooks:write')) return columns
  const actions: Column<Webhook> = {
    key: 'actions',
    label: t('common.action'),
    cell: (webhook) => (
      <Group gap={4}>
        <WebhookActions webhook={webhook} onRemove={() => onRemove(webhook)} />
      </Group>
    ),
  }
  return [...columns, actions]
}

function WebhookState({ webhook }: { readonly webhook: Webhook }) {
  const { t } = useTranslation()
  const { enabled, disabled_reason: reason, failing_since: since } = webhook
  if (enabled && since === undefined) return <StateBadge tone="good">{t('webhooks.works')}</StateBadge>
  if (enabled) return <StateBadge tone="warn">{t('webhooks.failing')}</StateBadge>
  return <StateBadge tone="bad">{t(`webhooks.disabled.${reason ?? 'operator'}`)}</StateBadge>
}

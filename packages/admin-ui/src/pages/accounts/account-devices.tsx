/** The devices of an account, each of which can be revoked. */
import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Device } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

export function AccountDevices({ jid }: { readonly jid: string }) {
  const { t } = useTranslation()
  const query = useApi('/v1/accounts/{jid}/devices', { params: { jid } })
  const [revoking, setRevoking] = useState<Device>()
  const columns = useColumns(setRevoking)
  const revoke = useCommand({
    method: 'DELETE',
    path: '/v1/accounts/{jid}/devices/{device}',
    changes: ['/v1/accounts/{jid}'],
    done: t('devices.revoked'),
    onDone: () => setRevoking(undefined),
  })
  return (
    <SectionCard title={t('devices.title')} about={t('devices.about')}>
      <QueryView query={query}>
        {({ items }) => (
          <DataTable
            label={t('devices.title')}
            columns={columns}
            rows={items}
            rowKey={({ id }) => id}
            empty={<EmptyState icon="devices" text={t('devices.none')} />}
          />
        )}
      </QueryView>
      <ConfirmDialog
        isOpen={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={t('devices.revoke_title')}
        consequence={t('devices.revoke_consequence')}
        submitLabel={t('devices.revoke')}
        command={revoke}
        onConfirm={() => revoking && revoke.run({ params: { jid, device: revoking.id } })}
      />
    </SectionCard>
  )
}

function useColumns(onRevoke: (device: Device) => void): readonly Column<Device>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const columns: Column<Device>[] = [
    { key: 'id', label: t('devices.device'), isName: true, cell: ({ id }) => <code>{id.slice(0, 8)}</code> },
    {
      key: 'state',
      label: t('devices.state'),
      cell: ({ state, overrun }) => (
        <>
          <StateBadge tone={state === 'registered' ? 'good' : 'quiet'}>
            {t(`devices.states.${state}`)}
          </StateBadge>{' '}
          {overrun && <StateBadge tone="warn">{t('devices.overrun')}</StateBadge>}
        </>
      ),
    },
    { key: 'created', label: t('devices.known_since'), cell: ({ created_on: day }) => format.day(day) },
    { key: 'seen', label: t('devices.last_seen'), cell: ({ last_seen_on: day }) => format.day(day) },
    {
      key: 'waiting',
      label: t('devices.waiting'),
      isNumber: true,
      cell: ({ waiting }) => format.number(waiting),
    },
  ]
  if (!may('devices:write')) return columns
  const revoke: Column<Device> = {
    key: 'revoke',
    label: t('common.action'),
    cell: (device) => (
      <Button
        size="compact-sm"
        variant="default"
        onClick={() => onRevoke(device)}
        aria-label={t('devices.revoke_named', { id: device.id.slice(0, 8) })}
      >
        {t('devices.revoke')}
      </Button>
    ),
  }
  return [...columns, revoke]
}

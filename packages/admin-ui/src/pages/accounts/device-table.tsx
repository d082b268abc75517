/** Devices, each of which can be revoked by whoever may. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { CommandState } from '../../api/commands.ts'
import type { ApiQuery } from '../../api/queries.ts'
import type { Device } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

export interface DeviceTableProps {
  readonly query: ApiQuery<{ readonly items: readonly Device[] }>
  readonly command: CommandState
  /** Undefined: the reader may not. `onDone` is called when the device is gone. */
  readonly onRevoke: ((id: string, onDone: () => void) => void) | undefined
}

export function DeviceTable({ query, command, onRevoke }: DeviceTableProps) {
  const { t } = useTranslation()
  const [revoking, setRevoking] = useState<Device>()
  const columns = useColumns(onRevoke && setRevoking)
  const begin = (): void => {
    if (revoking !== undefined) onRevoke?.(revoking.id, () => setRevoking(undefined))
  }
  return (
    <>
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
        command={command}
        onConfirm={begin}
      />
    </>
  )
}

function useColumns(onRevoke: ((device: Device) => void) | undefined): readonly Column<Device>[] {
  const { t } = useTranslation()
  const columns = useDeviceColumns()
  if (onRevoke === undefined) return columns
  const revoke: Column<Device> = {
    key: 'revoke',
    label: t('common.action'),
    cell: (device) => (
      <RowButton
        label={t('devices.revoke_named', { id: device.id.slice(0, 8) })}
        onClick={() => onRevoke(device)}
      >
        {t('devices.revoke')}
      </RowButton>
    ),
  }
  return [...columns, revoke]
}

/** What is known of a device. The label is its owner's to see. */
export function useDeviceColumns(): readonly Column<Device & { readonly label?: string | undefined }>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'id',
      label: t('devices.device'),
      isName: true,
      cell: ({ id, label }) => label ?? <code>{id.slice(0, 8)}</code>,
    },
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
}

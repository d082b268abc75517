/** One's own devices: name them, sign them out, revoke what is lost. */
import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import type { OwnDevice } from '../../api/types.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { useDeviceColumns } from '../accounts/device-table.tsx'
import classes from './account.module.css'

const PATH = '/v1/me/devices'
const LABEL_CHARS_MAX = 64

/** What its owner calls it, or the beginning of its number. */
function nameOf({ id, label }: OwnDevice): string {
  return label ?? id.slice(0, 8)
}

export default function OwnDevicesPage() {
  const { t } = useTranslation()
  const query = useApi(PATH, {})
  const [naming, setNaming] = useState<OwnDevice>()
  const [revoking, setRevoking] = useState<OwnDevice>()
  const signOut = useCommand({
    method: 'POST',
    path: `${PATH}/{device}/sign-out`,
    changes: [PATH],
    done: t('own.devices.signed_out'),
  })
  const columns = useColumns({
    onName: setNaming,
    onSignOut: ({ id }) => signOut.run({ params: { device: id } }),
    onRevoke: setRevoking,
  })
  return (
    <>
      <ListPage
        title={t('devices.title')}
        about={t('own.devices.about')}
        problem={signOut.problem}
        query={query}
        columns={columns}
        rowKey={({ id }) => id}
        icon="devices"
        none={t('devices.none')}
      />
      {naming !== undefined && <NameDialog device={naming} onClose={() => setNaming(undefined)} />}
      {revoking !== undefined && <RevokeDialog device={revoking} onClose={() => setRevoking(undefined)} />}
    </>
  )
}

interface Actions {
  readonly onName: (device: OwnDevice) => void
  readonly onSignOut: (device: OwnDevice) => void
  readonly onRevoke: (device: OwnDevice) => void
}

function useColumns({ onName, onSignOut, onRevoke }: Actions): readonly Column<OwnDevice>[] {
  const { t } = useTranslation()
  const actions: Column<OwnDevice> = {
    key: 'actions',
    label: t('common.action'),
    cell: (device) => (
      <span className={classes.actions}>
        <RowButton
          label={t('own.devices.name_named', { name: nameOf(device) })}
          onClick={() => onName(device)}
        >
          {t('own.devices.name')}
        </RowButton>
        <RowButton
          label={t('own.devices.sign_out_named', { name: nameOf(device) })}
          onClick={() => onSignOut(device)}
        >
          {t('own.devices.sign_out')}
        </RowButton>
        <RowButton label={t('devices.revoke_named', { id: nameOf(device) })} onClick={() => onRevoke(device)}>
          {t('devices.revoke')}
        </RowButton>
      </span>
    ),
  }
  return [...useDeviceColumns(), actions]
}

interface OfDevice {
  readonly device: OwnDevice
  readonly onClose: () => void
}

function NameDialog({ device, onClose }: OfDevice) {
  const { t } = useTranslation()
  const [label, setLabel] = useState(device.label ?? '')
  const save = useCommand({
    method: 'PATCH',
    path: `${PATH}/{device}`,
    changes: [PATH],
    done: t('own.devices.named'),
    onDone: onClose,
  })
  const given = label.trim()
  return (
    <CommandDialog
      isOpen
      onClose={onClose}
      title={t('own.devices.name_named', { name: nameOf(device) })}
      submitLabel={t('common.save')}
      command={save}
      onSubmit={() => save.run({ params: { device: device.id }, body: given === '' ? {} : { label: given } })}
    >
      <TextInput
        label={t('own.devices.label')}
        description={t('own.devices.label_hint')}
        value={label}
        onChange={(event) => setLabel(event.currentTarget.value)}
        maxLength={LABEL_CHARS_MAX}
        data-autofocus
      />
    </CommandDialog>
  )
}

function RevokeDialog({ device, onClose }: OfDevice) {
  const { t } = useTranslation()
  const revoke = useCommand({
    method: 'DELETE',
    path: `${PATH}/{device}`,
    changes: [PATH],
    done: t('devices.revoked'),
    onDone: onClose,
  })
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={t('devices.revoke_title')}
      consequence={t('devices.revoke_consequence')}
      submitLabel={t('devices.revoke')}
      command={revoke}
      onConfirm={() => revoke.run({ params: { device: device.id } })}
    />
  )
}

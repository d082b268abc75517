/** One's own devices: look, and revoke what is lost. */
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { PageHeader } from '../../parts/page-header.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { DeviceTable } from '../accounts/device-table.tsx'

export default function OwnDevicesPage() {
  const { t } = useTranslation()
  const query = useApi('/v1/me/devices', {})
  const revoke = useCommand({
    method: 'DELETE',
    path: '/v1/me/devices/{device}',
    changes: ['/v1/me/devices'],
    done: t('devices.revoked'),
  })
  return (
    <>
      <PageHeader title={t('devices.title')} about={t('own.devices.about')} />
      <SectionCard title={t('own.devices.known')}>
        <DeviceTable
          query={query}
          command={revoke}
          onRevoke={(device, onDone) => revoke.run({ params: { device }, onDone })}
        />
      </SectionCard>
    </>
  )
}

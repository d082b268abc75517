/** The devices of an account. */
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { SectionCard } from '../../parts/section-card.tsx'
import { DeviceTable } from './device-table.tsx'

export function AccountDevices({ jid }: { readonly jid: string }) {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi('/v1/accounts/{jid}/devices', { params: { jid } })
  const revoke = useCommand({
    method: 'DELETE',
    path: '/v1/accounts/{jid}/devices/{device}',
    changes: ['/v1/accounts/{jid}'],
    done: t('devices.revoked'),
  })
  return (
    <SectionCard title={t('devices.title')} about={t('devices.about')}>
      <DeviceTable
        query={query}
        command={revoke}
        onRevoke={
          may('devices:write')
            ? (device, onDone) => revoke.run({ params: { jid, device }, onDone })
            : undefined
        }
      />
    </SectionCard>
  )
}

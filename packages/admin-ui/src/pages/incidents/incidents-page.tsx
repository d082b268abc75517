/** What everybody is told of how the service is: incidents, and maintenance that is announced. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { Pages } from '../../parts/data-table.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { IncidentCard } from './incident-card.tsx'
import { MaintenanceCard } from './maintenance-card.tsx'
import { OpenIncidentDialog } from './open-incident-dialog.tsx'

export default function IncidentsPage() {
  const { t } = useTranslation()
  const may = useMay()
  const [isOpening, opening] = useDisclosure(false)
  const { result, paging } = usePages('/v1/incidents', {})
  return (
    <>
      <PageHeader
        title={t('nav.incidents')}
        about={t('incidents.about')}
        actions={
          may('status:write') && (
            <Button leftSection={<Icon name="plus" size={16} />} onClick={opening.open}>
              {t('incidents.open')}
            </Button>
          )
        }
      />
      <MaintenanceCard />
      <QueryView query={result}>
        {({ items }) => (
          <>
            {items.length === 0 && <EmptyState icon="check" text={t('status.no_incidents')} />}
            {items.map((incident) => (
              <IncidentCard key={incident.id} incident={incident} />
            ))}
            <Pages paging={paging} />
          </>
        )}
      </QueryView>
      <OpenIncidentDialog isOpen={isOpening} onClose={opening.close} />
    </>
  )
}

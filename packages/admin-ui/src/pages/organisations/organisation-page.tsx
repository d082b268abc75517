/** One organisation: what it uses, who administers it, what is below it, who belongs to it. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { OrganisationDetails } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { OrganisationClaims } from '../agreement/organisation-claims.tsx'
import { OrganisationSubscription } from '../subscriptions/subscription-card.tsx'
import { Branding } from './branding.tsx'
import { OrganisationAccounts } from './organisation-accounts.tsx'
import { OrganisationActions } from './organisation-actions.tsx'
import { OrganisationAdministrators } from './organisation-administrators.tsx'
import { OrganisationsBelow } from './organisations-below.tsx'
import { Pools } from './pool-list.tsx'

export default function OrganisationPage({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const query = useApi('/v1/organisations/{id}', { params: { id } })
  return (
    <>
      <PageHeader
        title={query.data?.name ?? t('organisations.organisation')}
        parent={{ href: '/organisations', label: t('nav.organisations') }}
        actions={query.data !== undefined && <OrganisationActions organisation={query.data} />}
      />
      <QueryView query={query}>{(organisation) => <Sections organisation={organisation} />}</QueryView>
    </>
  )
}

function Sections({ organisation }: { readonly organisation: OrganisationDetails }) {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const { id, kind, state, reason, pools, created_on: created, terminates_on: ends } = organisation
  return (
    <>
      <SectionCard title={t('account.facts')}>
        <FactList
          facts={[
            [
              t('accounts.state'),
              <StateBadge key="state" tone={state === 'active' ? 'good' : 'warn'}>
                {t(`account_states.${state}`)}
              </StateBadge>,
            ],
            [t('common.reason'), reason],
            [t('ending.on'), ends && format.day(ends)],
            [t('organisations.kind'), t(`organisations.kinds.${kind}`)],
            [t('accounts.created'), format.day(created)],
          ]}
        />
      </SectionCard>
      <SectionCard title={t('organisations.uses')} about={t('organisations.uses_about')}>
        <Pools pools={pools} />
      </SectionCard>
      {may('billing:read') && <OrganisationSubscription id={id} />}
      {may('admins:read') && <OrganisationAdministrators id={id} />}
      {kind === 'reseller' && <OrganisationsBelow id={id} />}
      {may('accounts:read') && <OrganisationAccounts id={id} />}
      {may('status:read') && <OrganisationClaims id={id} />}
      {may('organisations:write') && <Branding key={id} organisation={organisation} />}
    </>
  )
}

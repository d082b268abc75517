/** The ends of organisations, over all that has things of theirs. */
import type { AccountsDomain } from '@sealpost/accounts'
import type { AuditLog } from '@sealpost/audit'
import type { Db } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { Platform } from '@sealpost/service'
import type { AccessDomain } from '../access/create-access.ts'
import type { ApiEvents } from '../events.ts'
import type { OpenLifecycle } from '../lifecycle/open-lifecycle.ts'
import type { Rights } from '../rights.ts'
import type { AllOrganisationFigures } from '../statistics/organisation-figures.ts'
import type { Status } from '../status/create-status.ts'
import { OrganisationEndings } from './endings.ts'

export interface OpenEndingsOptions {
  readonly platform: Pick<Platform, 'clock'>
  readonly db: Db
  readonly accounts: AccountsDomain
  readonly audit: AuditLog
  readonly access: Pick<AccessDomain, 'administrators'>
  readonly life: Pick<OpenLifecycle, 'lifecycle' | 'store'>
  readonly rights: Pick<Rights, 'notices'>
  readonly observation: {
    readonly status: Pick<Status, 'claims'>
    readonly organisationFigures: Pick<AllOrganisationFigures, 'eraseOrganisation'>
  }
  readonly events: Pick<ApiEvents, 'lifecycleFailed'>
}

/** Works until disposed. */
export function openEndings({
  platform,
  access,
  life,
  rights,
  observation,
  events,
  ...parts
}: OpenEndingsOptions): OrganisationEndings {
  return new OrganisationEndings({
    ...parts,
    administrators: access.administrators,
    lifecycle: life.lifecycle,
    notices: rights.notices,
    owners: [life.store, rights.notices, observation.status.claims, observation.organisationFigures],
    clock: platform.clock,
    onError: (error) => events.lifecycleFailed(errorCode(error)),
  })
}

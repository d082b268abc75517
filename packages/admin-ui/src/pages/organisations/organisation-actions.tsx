/** What can be done to an organisation as a whole. */
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { useMay, useSession } from '../../api/session.ts'
import type { Organisation } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { ConfirmedAction } from '../../parts/confirmed-action.tsx'
import { SuspendAction } from '../standing/suspend-action.tsx'
import { TerminateAction } from '../standing/terminate-action.tsx'

const REASONS = ['non-payment', 'abuse', 'requested'] as const

const CHANGES = ['/v1/organisations', '/v1/accounts']

interface OfOrganisation {
  readonly organisation: Pick<Organisation, 'id' | 'name' | 'state' | 'terminates_on'>
}

export function OrganisationActions({ organisation }: OfOrganisation) {
  const may = useMay()
  const { data: session } = useSession()
  // Those above decide about an organisation.
  if (!may('organisations:write') || session?.administrator.organisation === organisation.id) return null
  return (
    <>
      {organisation.state === 'active' ? (
        <Suspend organisation={organisation} />
      ) : (
        <Restore organisation={organisation} />
      )}
      {organisation.terminates_on !== undefined && <Keep organisation={organisation} />}
      <Terminate organisation={organisation} />
      <Remove organisation={organisation} />
    </>
  )
}

function Suspend({ organisation: { id, name } }: OfOrganisation) {
  const { t } = useTranslation()
  const suspend = useCommand({
    method: 'POST',
    path: '/v1/organisations/{id}/suspend',
    changes: CHANGES,
    done: t('organisations.suspended'),
  })
  return (
    <SuspendAction
      name={name}
      consequence={t('organisations.suspend_consequence')}
      reasons={REASONS}
      command={suspend}
      onConfirm={({ reason }, onDone) => suspend.run({ params: { id }, body: { reason }, onDone })}
    />
  )
}

function Restore({ organisation: { id } }: OfOrganisation) {
  const { t } = useTranslation()
  const restore = useCommand({
    method: 'POST',
    path: '/v1/organisations/{id}/restore',
    changes: CHANGES,
    done: t('organisations.restored'),
  })
  return (
    <ActionButton
      label={t('account.restore')}
      command={restore}
      onClick={() => restore.run({ params: { id } })}
    />
  )
}

function Keep({ organisation: { id } }: OfOrganisation) {
  const { t } = useTranslation()
  const keep = useCommand({
    method: 'POST',
    path: '/v1/organisations/{id}/keep',
    changes: CHANGES,
    done: t('ending.kept'),
  })
  return <ActionButton label={t('ending.keep')} command={keep} onClick={() => keep.run({ params: { id } })} />
}

function Terminate({ organisation: { id, name } }: OfOrganisation) {
  const { t } = useTranslation()
  const terminate = useCommand({
    method: 'POST',
    path: '/v1/organisations/{id}/terminate',
    changes: CHANGES,
    done: t('ending.begun'),
  })
  return (
    <TerminateAction
      name={name}
      consequence={t('organisations.terminate_consequence')}
      command={terminate}
      onConfirm={({ reason, after }, onDone) =>
        terminate.run({ params: { id }, body: { after }, reason, onDone })
      }
    />
  )
}

function Remove({ organisation: { id, name } }: OfOrganisation) {
  const { t } = useTranslation()
  const [, navigate] = useLocation()
  const remove = useCommand({
    method: 'DELETE',
    path: '/v1/organisations/{id}',
    changes: ['/v1/organisations'],
    done: t('organisations.removed'),
    onDone: () => navigate('/organisations'),
  })
  return (
    <ConfirmedAction
      label={t('common.remove')}
      title={t('organisations.remove_named', { name })}
      consequence={t('organisations.remove_consequence')}
      command={remove}
      nameToType={name}
      asksWhy
      isDangerous
      onConfirm={(reason) => remove.run({ params: { id }, reason })}
    />
  )
}

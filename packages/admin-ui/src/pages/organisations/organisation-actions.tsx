/** What can be done to an organisation as a whole. */
import { Autocomplete, Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { useMay, useSession } from '../../api/session.ts'
import type { Organisation } from '../../api/types.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { ConfirmedAction } from '../../parts/confirmed-action.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { WindowInput } from '../../parts/window-input.tsx'

const REASONS = ['non-payment', 'abuse', 'requested'] as const

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
  const [reason, setReason] = useState('')
  const [isOpen, dialog] = useDisclosure(false)
  const suspend = useCommand({
    method: 'POST',
    path: '/v1/organisations/{id}/suspend',
    changes: ['/v1/organisations', '/v1/accounts'],
    done: t('organisations.suspended'),
    onDone: dialog.close,
  })
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        {t('account.suspend')}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={dialog.close}
        title={t('account.suspend_title', { jid: name })}
        consequence={t('organisations.suspend_consequence')}
        submitLabel={t('account.suspend')}
        command={suspend}
        onConfirm={() => suspend.run({ params: { id }, body: { reason } })}
      >
        <Autocomplete
          label={t('account.suspend_reason')}
          description={t('account.suspend_reason_hint')}
          data={[...REASONS]}
          value={reason}
          onChange={setReason}
          pattern="[a-z][a-z0-9_\-]*"
          maxLength={32}
          required
        />
      </ConfirmDialog>
    </>
  )
}

function Restore({ organisation: { id } }: OfOrganisation) {
  const { t } = useTranslation()
  const restore = useCommand({
    method: 'POST',
    path: '/v1/organisations/{id}/restore',
    changes: ['/v1/organisations', '/v1/accounts'],
    done: t('organisations.restored'),
  })
  return (
    <>
      <Button variant="default" loading={restore.isRunning} onClick={() => restore.run({ params: { id } })}>
        {t('account.restore')}
      </Button>
      <ProblemAlert problem={restore.problem} />
    </>
  )
}

function Keep({ organisation: { id } }: OfOrganisation) {
  const { t } = useTranslation()
  const keep = useCommand({
    method: 'POST',
    path: '/v1/organisations/{id}/keep',
    changes: ['/v1/organisations'],
    done: t('ending.kept'),
  })
  return (
    <>
      <Button variant="default" loading={keep.isRunning} onClick={() => keep.run({ params: { id } })}>
        {t('ending.keep')}
      </Button>
      <ProblemAlert problem={keep.problem} />
    </>
  )
}

function Terminate({ organisation: { id, name } }: OfOrganisation) {
  const { t } = useTranslation()
  const [after, setAfter] = useState(0)
  const terminate = useCommand({
    method: 'POST',
    path: '/v1/organisations/{id}/terminate',
    changes: ['/v1/organisations', '/v1/accounts'],
    done: t('ending.begun'),
  })
  return (
    <ConfirmedAction
      label={t('account.terminate')}
      title={t('account.terminate_title', { jid: name })}
      consequence={t('organisations.terminate_consequence')}
      command={terminate}
      nameToType={name}
      asksWhy
      isDangerous
      onConfirm={(reason, close) => terminate.run({ params: { id }, body: { after }, reason, onDone: close })}
    >
      <WindowInput days={after} onChange={setAfter} />
    </ConfirmedAction>
  )
}

function Remove({ organisation: { id, name } }: OfOrganisation) {
  const { t } = useTranslation()
  const [, navigate] = useLocation()
  const [isOpen, dialog] = useDisclosure(false)
  const remove = useCommand({
    method: 'DELETE',
    path: '/v1/organisations/{id}',
    changes: ['/v1/organisations'],
    done: t('organisations.removed'),
    onDone: () => navigate('/organisations'),
  })
  return (
    <>
      <Button className="dangerous" onClick={dialog.open}>
        {t('common.remove')}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={dialog.close}
        title={t('organisations.remove_named', { name })}
        consequence={t('organisations.remove_consequence')}
        submitLabel={t('common.remove')}
        command={remove}
        nameToType={name}
        asksWhy
        onConfirm={(reason) => remove.run({ params: { id }, reason })}
      />
    </>
  )
}

/** What can be done to an account. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useMay } from '../../api/session.ts'
import type { Account, OneTimeLink } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { LinkDialog } from '../../parts/link-dialog.tsx'
import { saveFile } from '../../parts/save-file.ts'
import { SuspendAction } from '../standing/suspend-action.tsx'
import { TerminateAction } from '../standing/terminate-action.tsx'

const SUSPENSION_REASONS = ['abuse', 'non-payment', 'compromised', 'requested'] as const

interface OfAccount {
  readonly account: Account
}

export function AccountActions({ account }: OfAccount) {
  const may = useMay()
  const { state } = account
  if (state === 'terminated') return null
  return (
    <>
      {may('privacy:write') && <Export account={account} />}
      {may('accounts:write') && <Enrol account={account} />}
      {may('accounts:suspend') &&
        (state === 'active' ? <Suspend account={account} /> : <Restore account={account} />)}
      {may('accounts:terminate') && account.terminates_on !== undefined && <Keep account={account} />}
      {may('accounts:terminate') && <Terminate account={account} />}
    </>
  )
}

function Export({ account: { jid } }: OfAccount) {
  const { t } = useTranslation()
  const run = useCommand({
    method: 'POST',
    path: '/v1/accounts/{jid}/export',
    done: t('account.exported'),
    onDone: (data) => saveFile(`${jid}.json`, data),
  })
  return (
    <ActionButton label={t('account.export')} command={run} onClick={() => run.run({ params: { jid } })} />
  )
}

function Enrol({ account: { jid } }: OfAccount) {
  const { t } = useTranslation()
  const [link, setLink] = useState<OneTimeLink>()
  const enrol = useCommand({
    method: 'POST',
    path: '/v1/accounts/{jid}/enrolment',
    onDone: setLink,
  })
  const [isOpen, dialog] = useDisclosure(false)
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        {t('account.enrol')}
      </Button>
      <ConfirmDialog
        isOpen={isOpen && link === undefined}
        onClose={dialog.close}
        title={t('account.enrol')}
        consequence={t('account.enrol_consequence')}
        submitLabel={t('account.enrol_submit')}
        command={enrol}
        onConfirm={() => enrol.run({ params: { jid } })}
      />
      <LinkDialog
        title={t('enrolment_link.title')}
        about={t('enrolment_link.about', { jid })}
        link={link}
        onClose={() => {
          setLink(undefined)
          dialog.close()
        }}
      />
    </>
  )
}

function Suspend({ account: { jid } }: OfAccount) {
  const { t } = useTranslation()
  const suspend = useCommand({
    method: 'POST',
    path: '/v1/accounts/{jid}/suspend',
    changes: ['/v1/accounts'],
    done: t('account.suspended'),
  })
  return (
    <SuspendAction
      name={jid}
      consequence={t('account.suspend_consequence')}
      reasons={SUSPENSION_REASONS}
      command={suspend}
      onConfirm={({ reason, until }, onDone) =>
        suspend.run({ params: { jid }, body: { reason, ...(until === '' ? {} : { until }) }, onDone })
      }
      asksUntil
    />
  )
}

function Restore({ account: { jid } }: OfAccount) {
  const { t } = useTranslation()
  const restore = useCommand({
    method: 'POST',
    path: '/v1/accounts/{jid}/restore',
    changes: ['/v1/accounts'],
    done: t('account.restored'),
  })
  return (
    <ActionButton
      label={t('account.restore')}
      command={restore}
      onClick={() => restore.run({ params: { jid } })}
    />
  )
}

function Keep({ account: { jid } }: OfAccount) {
  const { t } = useTranslation()
  const keep = useCommand({
    method: 'POST',
    path: '/v1/accounts/{jid}/keep',
    changes: ['/v1/accounts'],
    done: t('ending.kept'),
  })
  return (
    <ActionButton label={t('ending.keep')} command={keep} onClick={() => keep.run({ params: { jid } })} />
  )
}

function Terminate({ account: { jid } }: OfAccount) {
  const { t } = useTranslation()
  const terminate = useCommand({
    method: 'POST',
    path: '/v1/accounts/{jid}/terminate',
    changes: ['/v1/accounts'],
    done: t('ending.begun'),
  })
  return (
    <TerminateAction
      name={jid}
      consequence={t('account.terminate_consequence')}
      command={terminate}
      onConfirm={({ reason, after }, onDone) =>
        terminate.run({ params: { jid }, body: { after }, reason, onDone })
      }
    />
  )
}

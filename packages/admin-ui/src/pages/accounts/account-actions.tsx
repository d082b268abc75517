/** What can be done to an account. */
import { Autocomplete, Button, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useMay } from '../../api/session.ts'
import type { Account, OneTimeLink } from '../../api/types.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { LinkDialog } from '../../parts/link-dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { saveFile } from '../../parts/save-file.ts'
import { WindowInput } from '../../parts/window-input.tsx'

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
    <>
      <Button variant="default" loading={run.isRunning} onClick={() => run.run({ params: { jid } })}>
        {t('account.export')}
      </Button>
      <ProblemAlert problem={run.problem} />
    </>
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
  const [reason, setReason] = useState('')
  const [until, setUntil] = useState('')
  const [isOpen, dialog] = useDisclosure(false)
  const suspend = useCommand({
    method: 'POST',
    path: '/v1/accounts/{jid}/suspend',
    changes: ['/v1/accounts'],
    done: t('account.suspended'),
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
        title={t('account.suspend_title', { jid })}
        consequence={t('account.suspend_consequence')}
        submitLabel={t('account.suspend')}
        command={suspend}
        onConfirm={() =>
          suspend.run({ params: { jid }, body: { reason, ...(until === '' ? {} : { until }) } })
        }
      >
        <Autocomplete
          label={t('account.suspend_reason')}
          description={t('account.suspend_reason_hint')}
          data={[...SUSPENSION_REASONS]}
          value={reason}
          onChange={setReason}
          pattern="[a-z][a-z0-9_\-]*"
          maxLength={32}
          required
        />
        <TextInput
          type="date"
          label={t('account.suspend_until')}
          description={t('account.suspend_until_hint')}
          value={until}
          onChange={(event) => setUntil(event.currentTarget.value)}
        />
      </ConfirmDialog>
    </>
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
    <>
      <Button variant="default" loading={restore.isRunning} onClick={() => restore.run({ params: { jid } })}>
        {t('account.restore')}
      </Button>
      <ProblemAlert problem={restore.problem} />
    </>
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
    <>
      <Button variant="default" loading={keep.isRunning} onClick={() => keep.run({ params: { jid } })}>
        {t('ending.keep')}
      </Button>
      <ProblemAlert problem={keep.problem} />
    </>
  )
}

function Terminate({ account: { jid } }: OfAccount) {
  const { t } = useTranslation()
  const [isOpen, dialog] = useDisclosure(false)
  const [after, setAfter] = useState(0)
  const terminate = useCommand({
    method: 'POST',
    path: '/v1/accounts/{jid}/terminate',
    changes: ['/v1/accounts'],
    done: t(after === 0 ? 'account.terminated' : 'ending.begun'),
    onDone: dialog.close,
  })
  return (
    <>
      <Button className="dangerous" onClick={dialog.open}>
        {t('account.terminate')}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={dialog.close}
        title={t('account.terminate_title', { jid })}
        consequence={t('account.terminate_consequence')}
        submitLabel={t('account.terminate')}
        command={terminate}
        nameToType={jid}
        asksWhy
        onConfirm={(reason) => terminate.run({ params: { jid }, body: { after }, reason })}
      >
        <WindowInput days={after} onChange={setAfter} />
      </ConfirmDialog>
    </>
  )
}

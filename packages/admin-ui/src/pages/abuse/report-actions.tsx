/** What is done from a report: to the account that it is about, or about a sender elsewhere. */
import { Group, NumberInput, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useMay } from '../../api/session.ts'
import type { AbuseReportDetails } from '../../api/types.ts'
import { ConfirmedAction } from '../../parts/confirmed-action.tsx'

/** Unless something else is chosen. */
const RESTRICTED_TO = 10
const RESTRICTED_TO_MAX = 10_000

interface OfReport {
  readonly report: Pick<AbuseReportDetails, 'id' | 'account' | 'about'>
}

export function ReportActions({ report }: OfReport) {
  const may = useMay()
  return (
    <Group>
      <Warn report={report} />
      {may('accounts:suspend') && <Restrict report={report} />}
      {may('accounts:suspend') && <Suspend report={report} />}
      <Block report={report} />
    </Group>
  )
}

function useAct(action: 'warn' | 'restrict' | 'suspend' | 'block') {
  const { t } = useTranslation()
  return useCommand({
    method: 'POST',
    path: '/v1/abuse-reports/{id}/actions',
    changes: ['/v1/abuse-reports', '/v1/accounts'],
    done: t(`abuse.done.${action}`),
  })
}

function Warn({ report: { id, account } }: OfReport) {
  const { t } = useTranslation()
  const act = useAct('warn')
  const [jid, setJid] = useState(account ?? '')
  const [message, setMessage] = useState('')
  return (
    <ConfirmedAction
      label={t('abuse.actions.warn')}
      consequence={t('abuse.consequences.warn')}
      command={act}
      onConfirm={(_reason, onDone) =>
        act.run({
          params: { id },
          body: { action: 'warn', jid, ...(message === '' ? {} : { message }) },
          onDone,
        })
      }
    >
      <Subject jid={jid} onChange={setJid} />
      <Textarea
        label={t('abuse.message')}
        description={t('abuse.message_hint')}
        value={message}
        onChange={(event) => setMessage(event.currentTarget.value)}
        maxLength={500}
        autosize
      />
    </ConfirmedAction>
  )
}

function Restrict({ report: { id, account } }: OfReport) {
  const { t } = useTranslation()
  const act = useAct('restrict')
  const [jid, setJid] = useState(account ?? '')
  const [messages, setMessages] = useState(RESTRICTED_TO)
  return (
    <ConfirmedAction
      label={t('abuse.actions.restrict')}
      consequence={t('abuse.consequences.restrict')}
      command={act}
      onConfirm={(_reason, onDone) =>
        act.run({ params: { id }, body: { action: 'restrict', jid, messages_per_day: messages }, onDone })
      }
    >
      <Subject jid={jid} onChange={setJid} />
      <NumberInput
        label={t('mail_limit.messages')}
        value={messages}
        onChange={(value) => setMessages(Number(value))}
        min={0}
        max={RESTRICTED_TO_MAX}
        allowDecimal={false}
      />
    </ConfirmedAction>
  )
}

function Suspend({ report: { id, account } }: OfReport) {
  const { t } = useTranslation()
  const act = useAct('suspend')
  const [jid, setJid] = useState(account ?? '')
  return (
    <ConfirmedAction
      label={t('abuse.actions.suspend')}
      consequence={t('account.suspend_consequence')}
      command={act}
      isDangerous
      onConfirm={(_reason, onDone) => act.run({ params: { id }, body: { action: 'suspend', jid }, onDone })}
    >
      <Subject jid={jid} onChange={setJid} />
    </ConfirmedAction>
  )
}

function Block({ report: { id, account, about } }: OfReport) {
  const { t } = useTranslation()
  const act = useAct('block')
  const [sender, setSender] = useState(account === undefined ? (about ?? '') : '')
  return (
    <ConfirmedAction
      label={t('abuse.actions.block')}
      consequence={t('abuse.consequences.block')}
      command={act}
      onConfirm={(_reason, onDone) => act.run({ params: { id }, body: { action: 'block', sender }, onDone })}
    >
      <TextInput
        label={t('abuse.sender')}
        description={t('abuse.sender_hint')}
        value={sender}
        onChange={(event) => setSender(event.currentTarget.value)}
        required
      />
    </ConfirmedAction>
  )
}

function Subject({ jid, onChange }: { readonly jid: string; readonly onChange: (jid: string) => void }) {
  const { t } = useTranslation()
  return (
    <TextInput
      label={t('abuse.account')}
      value={jid}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete="off"
      required
    />
  )
}

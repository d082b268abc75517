/** Taking a report into work, and closing it. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { AbuseReportDetails } from '../../api/types.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { ConfirmedAction } from '../../parts/confirmed-action.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { OUTCOMES } from './words.ts'

interface OfReport {
  readonly report: Pick<AbuseReportDetails, 'id' | 'state' | 'source' | 'actions'>
}

export function TakeReport({ report: { id, state } }: OfReport) {
  const { t } = useTranslation()
  const next = state === 'new' ? 'in-work' : 'new'
  const take = useCommand({
    method: 'PATCH',
    path: '/v1/abuse-reports/{id}',
    changes: ['/v1/abuse-reports'],
    done: t(`abuse.states.${next}`),
  })
  return (
    <ActionButton
      label={t(next === 'in-work' ? 'abuse.take' : 'abuse.put_back')}
      command={take}
      onClick={() => take.run({ params: { id }, body: { state: next } })}
    />
  )
}

export function CloseReport({ report: { id, source, actions } }: OfReport) {
  const { t } = useTranslation()
  const [outcome, setOutcome] = useState(OUTCOMES[0])
  const close = useCommand({
    method: 'POST',
    path: '/v1/abuse-reports/{id}/close',
    changes: ['/v1/abuse-reports', '/v1/mail-desk'],
    done: t('abuse.closed'),
  })
  const chosen = actions.length === 0 && outcome === 'acted' ? 'no-action' : (outcome ?? 'no-action')
  return (
    <ConfirmedAction
      label={t('abuse.close')}
      consequence={t(source === 'mail' ? 'abuse.close_mail_consequence' : 'abuse.close_consequence')}
      command={close}
      onConfirm={(_reason, onDone) => close.run({ params: { id }, body: { outcome: chosen }, onDone })}
    >
      <WordSelect
        label={t('abuse.outcome')}
        words={actions.length === 0 ? OUTCOMES.filter((word) => word !== 'acted') : OUTCOMES}
        value={chosen}
        onChange={setOutcome}
        textOf={(word) => t(`abuse.outcomes.${word}`)}
      />
    </ConfirmedAction>
  )
}

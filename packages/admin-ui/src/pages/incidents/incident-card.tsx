/** One incident: what was said of it, and what there is to say next. */
import { Textarea } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useMay } from '../../api/session.ts'
import type { Incident } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmedAction } from '../../parts/confirmed-action.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { TextBlock } from '../../parts/text-block.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import classes from './incidents.module.css'
import { SEVERITIES, SEVERITY_TONES } from './words.ts'

const CHANGES = ['/v1/incidents', '/v1/status']

interface OfIncident {
  readonly incident: Incident
}

export function IncidentCard({ incident }: OfIncident) {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const { title, components, severity, began_at: began, ended_at: ended, updates, report } = incident
  const span =
    ended === undefined
      ? t('status.since', { when: format.moment(began) })
      : t('status.from_to', { from: format.moment(began), to: format.moment(ended) })
  return (
    <SectionCard
      title={title}
      about={`${components.map((component) => t(`status.names.${component}`)).join(', ')} · ${span}`}
      actions={may('status:write') && <Actions incident={incident} />}
    >
      <p className={classes.badges}>
        <StateBadge tone={SEVERITY_TONES[severity]}>{t(`incidents.severities.${severity}`)}</StateBadge>{' '}
        <StateBadge tone={ended === undefined ? 'bad' : 'good'}>
          {t(ended === undefined ? 'status.open' : 'incidents.over')}
        </StateBadge>{' '}
        <ReportDue incident={incident} />
      </p>
      <ol className={classes.updates}>
        {updates.map(({ at, text }) => (
          <li key={at}>
            <time dateTime={at} className="muted">
              {format.moment(at)}
            </time>
            <p className={classes.text}>{text}</p>
          </li>
        ))}
      </ol>
      {report !== undefined && <TextBlock label={t('incidents.report')} text={report} />}
    </SectionCard>
  )
}

function ReportDue({ incident: { report_due_at: due } }: OfIncident) {
  const { t } = useTranslation()
  const format = useFormat()
  if (due === undefined) return null
  const isLate = Date.parse(due) < Date.now()
  return (
    <StateBadge tone={isLate ? 'bad' : 'warn'}>
      {t(isLate ? 'incidents.report_late' : 'incidents.report_due', { when: format.moment(due) })}
    </StateBadge>
  )
}

function Actions({ incident }: OfIncident) {
  if (incident.ended_at !== undefined) return <Report incident={incident} />
  return (
    <>
      <Update incident={incident} />
      <Close incident={incident} />
    </>
  )
}

function Update({ incident: { id, severity } }: OfIncident) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [now, setNow] = useState(severity)
  const update = useCommand({
    method: 'POST',
    path: '/v1/incidents/{id}/updates',
    changes: CHANGES,
    done: t('incidents.updated'),
    onDone: () => setText(''),
  })
  return (
    <ConfirmedAction
      label={t('incidents.update')}
      consequence={t('incidents.public_hint')}
      command={update}
      onConfirm={(_reason, onDone) => update.run({ params: { id }, body: { text, severity: now }, onDone })}
    >
      <ProseInput text={text} onChange={setText} isRequired />
      <WordSelect
        label={t('incidents.severity')}
        words={SEVERITIES}
        value={now}
        onChange={(word) => word && setNow(word)}
        textOf={(word) => t(`incidents.severities.${word}`)}
      />
    </ConfirmedAction>
  )
}

function Close({ incident: { id } }: OfIncident) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const close = useCommand({
    method: 'POST',
    path: '/v1/incidents/{id}/close',
    changes: CHANGES,
    done: t('incidents.closed'),
  })
  return (
    <ConfirmedAction
      label={t('incidents.close')}
      consequence={t('incidents.close_consequence')}
      command={close}
      onConfirm={(_reason, onDone) =>
        close.run({ params: { id }, body: text === '' ? {} : { text }, onDone })
      }
    >
      <ProseInput text={text} onChange={setText} />
    </ConfirmedAction>
  )
}

function Report({ incident: { id, report } }: OfIncident) {
  const { t } = useTranslation()
  const [text, setText] = useState(report ?? '')
  const publish = useCommand({
    method: 'PUT',
    path: '/v1/incidents/{id}/report',
    changes: CHANGES,
    done: t('incidents.reported'),
  })
  return (
    <ConfirmedAction
      label={t(report === undefined ? 'incidents.write_report' : 'incidents.change_report')}
      consequence={t('incidents.public_hint')}
      command={publish}
      onConfirm={(_reason, onDone) => publish.run({ params: { id }, body: { text }, onDone })}
    >
      <ProseInput text={text} onChange={setText} isRequired />
    </ConfirmedAction>
  )
}

interface ProseInputProps {
  readonly text: string
  readonly onChange: (text: string) => void
  readonly isRequired?: boolean
}

function ProseInput({ text, onChange, isRequired = false }: ProseInputProps) {
  const { t } = useTranslation()
  return (
    <Textarea
      label={t('incidents.text')}
      value={text}
      onChange={(event) => onChange(event.currentTarget.value)}
      autosize
      minRows={3}
      required={isRequired}
    />
  )
}

/** Whether what was delivered could be read from the disks when the server last tried, and what is yet to be destroyed. */
import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { ItemOf } from '../../api/operations.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import classes from './overview.module.css'

type Audit = ItemOf<'/v1/self-audits'>

const PATH = '/v1/self-audits'
const REFRESH_MS = 60_000
const RESULT_TONES = { passed: 'good', failed: 'bad', powerless: 'warn', blind: 'warn' } as const
const STATE_TONES = { running: 'accent', impossible: 'quiet', away: 'bad' } as const
/** A key stays no longer than this on a disk that works. */
const PENDING_SECONDS_MAX = 10

export function SelfAudits() {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi(PATH, { everyMs: REFRESH_MS })
  const command = useCommand({ method: 'POST', path: PATH, changes: [PATH], done: t('self_audit.begun') })
  return (
    <SectionCard
      title={t('self_audit.title')}
      about={t('self_audit.about')}
      actions={
        may('status:write') && (
          <Button variant="default" loading={command.isRunning} onClick={() => command.run({})}>
            {t('self_audit.run')}
          </Button>
        )
      }
    >
      <ProblemAlert problem={command.problem} />
      <QueryView query={query}>
        {({ items }) => (
          <div className={classes.audits}>
            {items.map((audit) => (
              <OneAudit key={audit.of} audit={audit} />
            ))}
          </div>
        )}
      </QueryView>
    </SectionCard>
  )
}

function OneAudit({ audit: { of, state, last, pending_seconds: pending } }: { readonly audit: Audit }) {
  const { t } = useTranslation()
  const format = useFormat()
  const result = last && (
    <StateBadge tone={RESULT_TONES[last.result]}>{t(`self_audit.results.${last.result}`)}</StateBadge>
  )
  const now =
    state === 'idle' ? undefined : (
      <StateBadge tone={STATE_TONES[state]}>{t(`self_audit.states.${state}`)}</StateBadge>
    )
  return (
    <section aria-label={t(`self_audit.of.${of}`)}>
      <h3 className={classes.auditName}>{t(`self_audit.of.${of}`)}</h3>
      <FactList
        facts={[
          [t('self_audit.result'), result ?? t('self_audit.none')],
          [t('self_audit.ended'), last && format.moment(last.at)],
          [t('self_audit.now'), now],
          [t('self_audit.pending'), pending === undefined ? undefined : <Pending seconds={pending} />],
        ]}
      />
    </section>
  )
}

function Pending({ seconds }: { readonly seconds: number }) {
  const { t } = useTranslation()
  const format = useFormat()
  if (seconds === 0) return t('self_audit.nothing_pending')
  const since = t('self_audit.pending_since', { age: format.seconds(seconds) })
  return seconds <= PENDING_SECONDS_MAX ? since : <StateBadge tone="bad">{since}</StateBadge>
}

/** What DNS has to say for a domain, and what it says: each record with one that would do. */
import { useTranslation } from 'react-i18next'
import type { ItemOf } from '../../api/operations.ts'
import { useApi } from '../../api/queries.ts'
import { CopyField } from '../../parts/copy-field.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { RefreshButton } from '../../parts/refresh-button.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import classes from './settings.module.css'

type Finding = ItemOf<'/v1/domains/{domain}/doctor'>

const TONES = { ok: 'good', missing: 'bad', wrong: 'bad', unknown: 'warn' } as const

export function DnsDoctor({ domain }: { readonly domain: string }) {
  const { t } = useTranslation()
  const query = useApi('/v1/domains/{domain}/doctor', { params: { domain } })
  return (
    <SectionCard
      title={t('dns.title')}
      about={t('dns.about')}
      actions={<RefreshButton label={t('dns.again')} query={query} />}
    >
      <QueryView query={query}>
        {({ items }) => (
          <>
            <Verdict findings={items} />
            <ul className={classes.findings}>
              {items.map((finding) => (
                <li key={`${finding.check} ${finding.name}`}>
                  <Record finding={finding} />
                </li>
              ))}
            </ul>
          </>
        )}
      </QueryView>
    </SectionCard>
  )
}

function Verdict({ findings }: { readonly findings: readonly Finding[] }) {
  const { t } = useTranslation()
  const count = findings.filter(({ need, state }) => need === 'required' && state !== 'ok').length
  return (
    <p role="status">
      <StateBadge tone={count === 0 ? 'good' : 'bad'}>
        {count === 0 ? t('dns.healthy') : t('dns.ailing', { count })}
      </StateBadge>
    </p>
  )
}

function Record({ finding }: { readonly finding: Finding }) {
  const { t } = useTranslation()
  const { check, need, name, type, expected, found, state } = finding
  // What is optional and not there is nothing to worry about.
  const tone = state === 'missing' && need !== 'required' ? 'quiet' : TONES[state]
  return (
    <section aria-label={`${t(`dns.checks.${check}`)} ${name}`}>
      <div className={classes.findingHead}>
        <h3 className={classes.findingName}>{t(`dns.checks.${check}`)}</h3>
        <StateBadge tone={tone}>{t(`dns.states.${state}`)}</StateBadge>
        <span className="muted">{t(`dns.needs.${need}`)}</span>
      </div>
      <p className={classes.recordName}>
        {name} {type}
      </p>
      {found.map((record) => (
        <p key={record} className={classes.found}>
          {record}
        </p>
      ))}
      {state !== 'ok' && <Expected finding={finding} label={`${name} ${type}`} expected={expected} />}
    </section>
  )
}

interface ExpectedProps {
  readonly finding: Finding
  readonly label: string
  readonly expected: string
}

/** Of an address and of the way back from one, this server does not know what would do. */
function Expected({ finding: { check }, label, expected }: ExpectedProps) {
  const { t } = useTranslation()
  if (check === 'address' || check === 'openpgpkey')
    return <p className={classes.hint}>{t('dns.own_address')}</p>
  return (
    <>
      <p className={classes.hint}>{t('dns.would_do')}</p>
      <CopyField label={label} value={expected} />
    </>
  )
}

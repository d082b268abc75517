/** One certificate: what the directory says of it, what can be done, and what was done. */
import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { useMay } from '../../api/session.ts'
import type { DirectoryKey } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmedAction } from '../../parts/confirmed-action.tsx'
import { FactList } from '../../parts/fact-list.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge, type Tone } from '../../parts/state-badge.tsx'
import { TargetHistory } from '../audit/target-history.tsx'
import classes from './keys.module.css'

const TONES: Readonly<Record<DirectoryKey['state'], Tone>> = {
  published: 'good',
  suspended: 'warn',
  unpublished: 'quiet',
  revoked: 'bad',
  removed: 'bad',
}
const CHANGES = ['/v1/keys', '/v1/audit']
/** Digits of a fingerprint that are written together. */
const GROUP = /.{4}/g

interface OfKey {
  readonly found: DirectoryKey
}

export function KeyCard({ found }: OfKey) {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const { fingerprint, state, algorithm, created_on: created, expires_on: expires } = found
  return (
    <>
      <SectionCard
        title={t('keys.certificate')}
        about={t(`keys.meanings.${state}`)}
        actions={may('keys:write') && <Action found={found} />}
      >
        <FactList
          facts={[
            [
              t('keys.fingerprint'),
              <code key="fingerprint" className={classes.fingerprint}>
                {fingerprint.match(GROUP)?.join(' ')}
              </code>,
            ],
            [
              t('accounts.state'),
              <StateBadge key="state" tone={TONES[state]}>
                {t(`keys.states.${state}`)}
              </StateBadge>,
            ],
            [t('keys.published'), <Addresses key="published" addresses={found.published} />],
            [
              t('keys.suspended'),
              found.suspended.length > 0 ? <Addresses addresses={found.suspended} /> : undefined,
            ],
            [t('dkim.algorithm'), algorithm],
            [t('accounts.created'), created && format.day(created)],
            [t('keys.expires'), expires && format.day(expires)],
          ]}
        />
      </SectionCard>
      {may('audit:read') && (
        <SectionCard title={t('audit.history')} about={t('keys.history_about')}>
          <TargetHistory target={fingerprint} />
        </SectionCard>
      )}
    </>
  )
}

function Addresses({ addresses }: { readonly addresses: readonly string[] }) {
  if (addresses.length === 0) return '–'
  return (
    <ul className={classes.addresses}>
      {addresses.map((address) => (
        <li key={address}>
          <Link href={`/accounts/${encodeURIComponent(address)}`}>{address}</Link>
        </li>
      ))}
    </ul>
  )
}

function Action({ found: { fingerprint, state } }: OfKey) {
  return state === 'removed' ? <Readmit fingerprint={fingerprint} /> : <TakeOff fingerprint={fingerprint} />
}

interface OfFingerprint {
  readonly fingerprint: string
}

function TakeOff({ fingerprint }: OfFingerprint) {
  const { t } = useTranslation()
  const remove = useCommand({
    method: 'POST',
    path: '/v1/keys/{fingerprint}/remove',
    changes: CHANGES,
    done: t('keys.taken_off'),
  })
  return (
    <ConfirmedAction
      label={t('keys.take_off')}
      consequence={t('keys.take_off_consequence')}
      command={remove}
      asksWhy
      isDangerous
      onConfirm={(reason, onDone) => remove.run({ params: { fingerprint }, reason, onDone })}
    />
  )
}

function Readmit({ fingerprint }: OfFingerprint) {
  const { t } = useTranslation()
  const readmit = useCommand({
    method: 'POST',
    path: '/v1/keys/{fingerprint}/readmit',
    changes: CHANGES,
    done: t('keys.readmitted'),
  })
  return (
    <>
      <Button
        variant="default"
        loading={readmit.isRunning}
        onClick={() => readmit.run({ params: { fingerprint } })}
      >
        {t('keys.readmit')}
      </Button>
      <ProblemAlert problem={readmit.problem} />
    </>
  )
}

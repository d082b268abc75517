/** How soon what was delivered is gone from the disks, and when that was last tried. */
import { useTranslation } from 'react-i18next'
import type { PublicStatus } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { FactList } from '../../parts/fact-list.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

export function Proof({ status }: { readonly status: PublicStatus }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { shred_lag_seconds: lag, shred_pending_seconds: pending, self_audit: audit } = status
  const { backup_verified_at: verified } = status
  const unknown = t('status.proof.unknown')
  return (
    <SectionCard title={t('status.proof.title')} about={t('status.proof.about')}>
      <FactList
        facts={[
          [t('status.proof.lag'), lag === undefined ? unknown : format.seconds(lag)],
          [t('status.proof.pending'), pending === undefined ? unknown : format.seconds(pending)],
          [
            t('status.proof.audit'),
            audit === undefined ? (
              unknown
            ) : (
              <>
                <StateBadge tone={audit.passed ? 'good' : 'bad'}>
                  {t(audit.passed ? 'status.proof.passed' : 'status.proof.failed')}
                </StateBadge>{' '}
                {format.moment(audit.at)}
              </>
            ),
          ],
          [t('status.proof.backup'), verified === undefined ? unknown : format.moment(verified)],
        ]}
      />
    </SectionCard>
  )
}

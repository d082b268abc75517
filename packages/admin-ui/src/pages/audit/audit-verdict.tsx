/** Has the chain of the log recomputed. */
import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Answer } from '../../api/operations.ts'
import type { Problem } from '../../api/problem.ts'
import { request } from '../../api/request.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

type Verdict = Answer<'GET', '/v1/audit/verdict'>

export function AuditVerdict() {
  const { t } = useTranslation()
  const verdict = useMutation<Verdict, Problem>({ mutationFn: () => request('GET', '/v1/audit/verdict', {}) })
  return (
    <>
      <span role="status">{verdict.data !== undefined && <Found verdict={verdict.data} />}</span>
      <ProblemAlert problem={verdict.error} />
      <Button variant="default" loading={verdict.isPending} onClick={() => verdict.mutate()}>
        {t('audit.verify')}
      </Button>
    </>
  )
}

function Found({ verdict: { broken, entries } }: { readonly verdict: Verdict }) {
  const { t } = useTranslation()
  if (broken !== undefined) return <StateBadge tone="bad">{t('audit.broken', { seq: broken })}</StateBadge>
  return <StateBadge tone="good">{t('audit.intact', { count: entries })}</StateBadge>
}

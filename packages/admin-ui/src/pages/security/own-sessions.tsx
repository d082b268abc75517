/** Where one is signed in to the panel. */
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { OwnSecurity } from '../../api/types.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { SessionTable } from '../../parts/session-table.tsx'

const PATH = '/v1/me/security'
const METHODS = ['passkey', 'totp', 'recovery', 'enrolment'] as const

export function OwnSessions({ sessions }: Pick<OwnSecurity, 'sessions'>) {
  const { t } = useTranslation()
  const end = useCommand({
    method: 'DELETE',
    path: `${PATH}/sessions/{id}`,
    changes: [PATH],
    done: t('security.session_ended'),
  })
  return (
    <SectionCard title={t('security.sessions')}>
      <ProblemAlert problem={end.problem} />
      <SessionTable
        sessions={sessions}
        onEnd={(id) => end.run({ params: { id } })}
        columns={[
          {
            key: 'method',
            label: t('security.method'),
            cell: ({ method }) => t(`security.methods.${METHODS.find((one) => one === method) ?? 'passkey'}`),
          },
        ]}
      />
    </SectionCard>
  )
}

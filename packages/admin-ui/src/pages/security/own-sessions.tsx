/** Where one is signed in. */
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { OwnSecurity } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

const PATH = '/v1/me/security'
const METHODS = ['passkey', 'totp', 'recovery', 'enrolment'] as const

export function OwnSessions({ sessions }: Pick<OwnSecurity, 'sessions'>) {
  const { t } = useTranslation()
  const format = useFormat()
  const end = useCommand({
    method: 'DELETE',
    path: `${PATH}/sessions/{id}`,
    changes: [PATH],
    done: t('security.session_ended'),
  })
  const columns: readonly Column<OwnSecurity['sessions'][number]>[] = [
    {
      key: 'began',
      label: t('security.began'),
      isName: true,
      cell: ({ started_at: at, current }) => (
        <>
          {format.moment(at)} {current && <StateBadge tone="accent">{t('security.current')}</StateBadge>}
        </>
      ),
    },
    {
      key: 'method',
      label: t('security.method'),
      cell: ({ method }) => t(`security.methods.${METHODS.find((one) => one === method) ?? 'passkey'}`),
    },
    { key: 'seen', label: t('security.seen'), cell: ({ seen_at: at }) => format.moment(at) },
    {
      key: 'end',
      label: t('common.action'),
      cell: ({ id, current, started_at: at }) =>
        !current && (
          <RowButton
            label={t('security.end_named', { when: format.moment(at) })}
            onClick={() => end.run({ params: { id } })}
          >
            {t('security.end')}
          </RowButton>
        ),
    },
  ]
  return (
    <SectionCard title={t('security.sessions')}>
      <ProblemAlert problem={end.problem} />
      <DataTable
        label={t('security.sessions')}
        columns={columns}
        rows={sessions}
        rowKey={({ id }) => id}
        empty={null}
      />
    </SectionCard>
  )
}

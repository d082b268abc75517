/** Where one is signed in to this page, each by itself. */
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { SessionTable } from '../../parts/session-table.tsx'

const PATH = '/v1/me/sessions'

export function PageSessions() {
  const { t } = useTranslation()
  const query = useApi(PATH, {})
  const end = useCommand({
    method: 'DELETE',
    path: `${PATH}/{id}`,
    changes: [PATH],
    done: t('security.session_ended'),
  })
  return (
    <SectionCard title={t('security.sessions')} about={t('own.sessions.about')}>
      <ProblemAlert problem={end.problem} />
      <QueryView query={query}>
        {({ items }) => <SessionTable sessions={items} onEnd={(id) => end.run({ params: { id } })} />}
      </QueryView>
    </SectionCard>
  )
}

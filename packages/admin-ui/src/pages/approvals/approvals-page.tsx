/** What waits for a second pair of eyes. */
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { usePages } from '../../api/queries.ts'
import { useMay, useSession } from '../../api/session.ts'
import type { Approval } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

const PATH = '/v1/approvals'
const TONES = { open: 'warn', approved: 'good', refused: 'bad', used: 'quiet' } as const
const STATES = ['open', 'approved', 'refused', 'used'] as const

export default function ApprovalsPage() {
  const { t } = useTranslation()
  const { result, paging } = usePages(PATH, {})
  const approve = useCommand({
    method: 'POST',
    path: `${PATH}/{id}/approve`,
    changes: [PATH],
    done: t('approvals.approved'),
  })
  const refuse = useCommand({
    method: 'POST',
    path: `${PATH}/{id}/refuse`,
    changes: [PATH],
    done: t('approvals.refused'),
  })
  const columns = useColumns({
    onApprove: (id) => approve.run({ params: { id } }),
    onRefuse: (id) => refuse.run({ params: { id } }),
  })
  return (
    <ListPage
      title={t('nav.approvals')}
      about={t('approvals.about')}
      problem={approve.problem ?? refuse.problem}
      query={result}
      columns={columns}
      rowKey={({ id }) => id}
      paging={paging}
      icon="check"
      none={t('approvals.none')}
    />
  )
}

interface Decisions {
  readonly onApprove: (id: string) => void
  readonly onRefuse: (id: string) => void
}

function useColumns({ onApprove, onRefuse }: Decisions): readonly Column<Approval>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const { data: session } = useSession()
  return [
    { key: 'action', label: t('approvals.action'), isName: true, cell: ({ action }) => action },
    {
      key: 'target',
      label: t('audit.target'),
      cell: ({ action, target }) => <Target action={action} target={target} />,
    },
    { key: 'reason', label: t('common.reason'), cell: ({ reason }) => reason ?? '–' },
    {
      key: 'state',
      label: t('accounts.state'),
      cell: ({ state }) => {
        const known = STATES.find((one) => one === state) ?? 'used'
        return <StateBadge tone={TONES[known]}>{t(`approvals.states.${known}`)}</StateBadge>
      },
    },
    { key: 'asked', label: t('approvals.asked'), cell: ({ asked_at: at }) => format.moment(at) },
    {
      key: 'decide',
      label: t('common.action'),
      cell: ({ id, action, state, requester }) =>
        state === 'open' &&
        may('approvals:write') &&
        requester.id !== session?.administrator.id && (
          <>
            <RowButton label={t('approvals.approve_named', { action })} onClick={() => onApprove(id)}>
              {t('approvals.approve')}
            </RowButton>{' '}
            <RowButton label={t('approvals.refuse_named', { action })} onClick={() => onRefuse(id)}>
              {t('approvals.refuse')}
            </RowButton>
          </>
        ),
    },
  ]
}

/** Whoever decides looks at what it is about first. */
const PAGES: Readonly<Record<string, string>> = { 'legal-request': '/legal', organisation: '/organisations' }

function Target({ action, target }: Pick<Approval, 'action' | 'target'>) {
  if (target === undefined) return '–'
  const page = PAGES[action.split('.')[0] ?? '']
  const text = `${target.kind} ${target.id}`
  return page === undefined ? text : <Link href={`${page}/${target.id}`}>{text}</Link>
}

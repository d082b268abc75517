/** What people were told: in the panel, by mail and in chat. */
import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { usePages } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Notice } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { Icon } from '../../parts/icon.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

const REFRESH_MS = 30_000

export default function NoticesPage() {
  const { t } = useTranslation()
  const may = useMay()
  const { result, paging } = usePages('/v1/notices', { everyMs: REFRESH_MS })
  const withdraw = useCommand({
    method: 'POST',
    path: '/v1/notices/{notice}/withdraw',
    changes: ['/v1/notices'],
    done: t('notices.withdrawn_done'),
  })
  const columns = useColumns((notice) => withdraw.run({ params: { notice } }))
  return (
    <ListPage
      title={t('nav.notices')}
      about={t('notices.about')}
      actions={
        may('policies:write') && (
          <Button component={Link} href="/notices/new" leftSection={<Icon name="plus" size={16} />}>
            {t('notices.write')}
          </Button>
        )
      }
      problem={withdraw.problem}
      query={result}
      columns={columns}
      rowKey={({ id }) => id}
      paging={paging}
      icon="megaphone"
      none={t('notices.none')}
    />
  )
}

function useColumns(onWithdraw: (id: string) => void): readonly Column<Notice>[] {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  return [
    { key: 'title', label: t('notices.title'), isName: true, cell: ({ title }) => title },
    { key: 'kind', label: t('notices.kind'), cell: ({ kind }) => t(`notices.kinds.${kind}`) },
    {
      key: 'audience',
      label: t('notices.audience'),
      cell: ({ audience }) => t(`notices.audiences.${audience}`),
    },
    { key: 'created', label: t('audit.at'), cell: ({ created_at: at }) => format.moment(at) },
    { key: 'sent', label: t('notices.sent'), cell: (notice) => <Sent notice={notice} /> },
    {
      key: 'action',
      label: t('common.action'),
      cell: ({ id, title, withdrawn_at: withdrawn }) =>
        withdrawn === undefined && may('policies:write') ? (
          <RowButton label={t('notices.withdraw_named', { title })} onClick={() => onWithdraw(id)}>
            {t('notices.withdraw')}
          </RowButton>
        ) : (
          '–'
        ),
    },
  ]
}

function Sent({
  notice: { withdrawn_at: withdrawn, mail, mailed, refused, chat },
}: {
  readonly notice: Notice
}) {
  const { t } = useTranslation()
  if (withdrawn !== undefined) return <StateBadge tone="quiet">{t('notices.withdrawn')}</StateBadge>
  const isUnderWay = mail === 'pending' || chat === 'pending'
  return (
    <>
      <StateBadge tone={isUnderWay ? 'accent' : 'good'}>
        {t(isUnderWay ? 'notices.under_way' : 'notices.out')}
      </StateBadge>{' '}
      {mail !== 'off' && t('notices.mails', { count: mailed })}
      {refused > 0 && <StateBadge tone="warn">{t('notices.refused', { count: refused })}</StateBadge>}
    </>
  )
}

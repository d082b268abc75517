/** Accounts whose use of mail wants a look. */
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { MailReview } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RowButton } from '../../parts/row-button.tsx'

export default function ReviewsPage() {
  const { t, i18n } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const query = useApi('/v1/mail-reviews', {})
  const clear = useCommand({
    method: 'DELETE',
    path: '/v1/mail-reviews/{jid}',
    changes: ['/v1/mail-reviews'],
    done: t('reviews.cleared'),
  })
  const why = (reason: string): string =>
    i18n.exists(`reviews.reasons.${reason}`) ? t(`reviews.reasons.${reason}` as 'reviews.none') : reason
  const columns: readonly Column<MailReview>[] = [
    {
      key: 'jid',
      label: t('accounts.address'),
      isName: true,
      cell: ({ jid }) => <Link href={`/accounts/${encodeURIComponent(jid)}`}>{jid}</Link>,
    },
    { key: 'reason', label: t('reviews.noticed'), cell: ({ reason }) => why(reason) },
    { key: 'day', label: t('reviews.day'), cell: ({ noticed_on: day }) => format.day(day) },
    ...(may('accounts:suspend')
      ? [
          {
            key: 'clear',
            label: t('common.action'),
            cell: ({ jid }: MailReview) => (
              <RowButton
                label={t('reviews.clear_named', { jid })}
                onClick={() => clear.run({ params: { jid } })}
              >
                {t('reviews.clear')}
              </RowButton>
            ),
          },
        ]
      : []),
  ]
  return (
    <ListPage
      title={t('nav.reviews')}
      about={t('reviews.about')}
      problem={clear.problem}
      query={query}
      columns={columns}
      rowKey={({ jid, reason }) => `${jid} ${reason}`}
      icon="check"
      none={t('reviews.none')}
    />
  )
}

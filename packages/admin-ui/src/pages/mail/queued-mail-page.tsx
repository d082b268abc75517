/** One mail that waits, and what can be done about it. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { QueuedMail } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { FactList } from '../../parts/fact-list.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { HoldBadge } from './hold-badge.tsx'

type Recipient = QueuedMail['recipients'][number]

export default function QueuedMailPage({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const query = useApi('/v1/mail-queue/{id}', { params: { id } })
  const mail = query.data
  return (
    <>
      <PageHeader
        title={t('queued_mail.title')}
        parent={{ href: '/mail', label: t('nav.mail_queue') }}
        actions={mail !== undefined && may('mail:write') && <Actions mail={mail} />}
      />
      <QueryView query={query}>
        {({ accepted_at: at, bytes, hold, account, recipients }) => (
          <>
            <SectionCard title={t('queued_mail.facts')}>
              <FactList
                facts={[
                  [t('queued_mail.id'), <code key="id">{id}</code>],
                  [t('mail_queue.since'), format.moment(at)],
                  [t('mail_queue.size'), format.bytes(bytes)],
                  [
                    t('queued_mail.from'),
                    account === undefined ? t('queued_mail.outside') : <code key="account">{account}</code>,
                  ],
                  [
                    t('queued_mail.state'),
                    hold === undefined ? t('queued_mail.waits') : <HoldBadge key="hold" hold={hold} />,
                  ],
                ]}
              />
            </SectionCard>
            <SectionCard title={t('queued_mail.recipients')} about={t('queued_mail.recipients_about')}>
              <Recipients recipients={recipients} />
            </SectionCard>
          </>
        )}
      </QueryView>
    </>
  )
}

function Recipients({ recipients }: Pick<QueuedMail, 'recipients'>) {
  const { t } = useTranslation()
  const format = useFormat()
  const columns: readonly Column<Recipient>[] = [
    { key: 'domain', label: t('mail_queue.to'), isName: true, cell: ({ domain }) => domain },
    {
      key: 'attempts',
      label: t('mail_queue.attempts'),
      isNumber: true,
      cell: ({ attempts }) => format.number(attempts),
    },
    { key: 'next', label: t('queued_mail.next'), cell: ({ next_at: at }) => format.moment(at) },
    { key: 'why', label: t('mail_queue.why'), cell: ({ reason }) => <span lang="en">{reason ?? '–'}</span> },
  ]
  return (
    <DataTable
      label={t('queued_mail.recipients')}
      columns={columns}
      rows={recipients}
      rowKey={({ domain, next_at: at }) => `${domain} ${at}`}
      empty={null}
    />
  )
}

function Actions({ mail }: { readonly mail: QueuedMail }) {
  return (
    <>
      <Change id={mail.id} change="retry" />
      <Change id={mail.id} change={mail.hold === undefined ? 'hold' : 'release'} />
      <Drop id={mail.id} />
    </>
  )
}

function Change({ id, change }: { readonly id: string; readonly change: 'retry' | 'hold' | 'release' }) {
  const { t } = useTranslation()
  const command = useCommand({
    method: 'POST',
    path: `/v1/mail-queue/{id}/${change}`,
    changes: ['/v1/mail-queue'],
    done: t(`queued_mail.${change}_done`),
  })
  return (
    <>
      <Button variant="default" loading={command.isRunning} onClick={() => command.run({ params: { id } })}>
        {t(`queued_mail.${change}`)}
      </Button>
      <ProblemAlert problem={command.problem} />
    </>
  )
}

function Drop({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const [, navigate] = useLocation()
  const [isOpen, dialog] = useDisclosure(false)
  const drop = useCommand({
    method: 'DELETE',
    path: '/v1/mail-queue/{id}',
    changes: ['/v1/mail-queue'],
    done: t('queued_mail.drop_done'),
    onDone: () => navigate('/mail'),
  })
  return (
    <>
      <Button className="dangerous" onClick={dialog.open}>
        {t('queued_mail.drop')}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={dialog.close}
        title={t('queued_mail.drop')}
        consequence={t('queued_mail.drop_consequence')}
        submitLabel={t('queued_mail.drop')}
        command={drop}
        onConfirm={() => drop.run({ params: { id } })}
      />
    </>
  )
}

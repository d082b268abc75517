/** One's rights over what is held: everything as a file, requests and what became of them, the end of the account. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { usePages } from '../../api/queries.ts'
import { address } from '../../api/request.ts'
import type { PrivacyRequest } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import type { Column } from '../../parts/data-table.tsx'
import { DataTable } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon } from '../../parts/icon.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import classes from './account.module.css'
import { AskDialog } from './ask-dialog.tsx'
import { DeleteAccount, DeleteAccountDialog } from './delete-account.tsx'

const EXPORTS = [
  { format: 'json', file: 'account.json' },
  { format: 'xep-0227', file: 'account.xml' },
] as const

export default function OwnDataPage() {
  const { t } = useTranslation()
  return (
    <>
      <PageHeader title={t('own.data.title')} about={t('own.data.page_about')} />
      <SectionCard title={t('own.data.export')} about={t('own.data.about')}>
        <div className={classes.actions}>
          {EXPORTS.map(({ format, file }) => (
            <Button
              key={format}
              component="a"
              variant="default"
              leftSection={<Icon name="download" size={16} />}
              href={address('/v1/me/export', { query: { format } })}
              download={file}
            >
              {t(`own.data.formats.${format}`)}
            </Button>
          ))}
        </div>
      </SectionCard>
      <Requests />
      <DeleteAccount />
    </>
  )
}

function Requests() {
  const { t } = useTranslation()
  const { result, paging } = usePages('/v1/me/privacy-requests', {})
  const [isAsking, asking] = useDisclosure(false)
  const [confirming, setConfirming] = useState<string>()
  const columns = useColumns(setConfirming)
  return (
    <SectionCard
      title={t('own.requests.title')}
      about={t('own.requests.about')}
      actions={
        <Button variant="default" onClick={asking.open}>
          {t('own.requests.ask')}
        </Button>
      }
    >
      <QueryView query={result}>
        {({ items }) => (
          <DataTable
            label={t('own.requests.title')}
            columns={columns}
            rows={items}
            rowKey={({ id }) => id}
            paging={paging}
            empty={<EmptyState icon="audit" text={t('own.requests.none')} />}
          />
        )}
      </QueryView>
      {isAsking && <AskDialog onClose={asking.close} />}
      {confirming !== undefined && (
        <DeleteAccountDialog request={confirming} onClose={() => setConfirming(undefined)} />
      )}
    </SectionCard>
  )
}

function useColumns(onConfirm: (id: string) => void): readonly Column<PrivacyRequest>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'kind',
      label: t('own.requests.kind'),
      isName: true,
      cell: ({ kind }) => t(`own.requests.kinds.${kind}`),
    },
    {
      key: 'state',
      label: t('accounts.state'),
      cell: ({ state }) => (
        <StateBadge tone={state === 'open' ? 'warn' : 'quiet'}>
          {t(`own.requests.states.${state}`)}
        </StateBadge>
      ),
    },
    { key: 'received', label: t('own.requests.received'), cell: ({ received_on: day }) => format.day(day) },
    { key: 'due', label: t('own.requests.due'), cell: ({ due_on: day }) => format.day(day) },
    {
      key: 'answer',
      label: t('own.requests.answer'),
      cell: ({ id, kind, state, answer }) =>
        kind === 'deletion' && state === 'open' ? (
          <Button size="compact-sm" variant="default" onClick={() => onConfirm(id)}>
            {t('own.requests.confirm')}
          </Button>
        ) : (
          <span lang="en">{answer}</span>
        ),
    },
  ]
}

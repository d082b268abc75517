/** One request about one's own data, and its answer. */
import { Textarea } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Link } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import type { Answer } from '../../api/operations.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmedAction } from '../../parts/confirmed-action.tsx'
import { FactList } from '../../parts/fact-list.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { TextBlock } from '../../parts/text-block.tsx'
import { DueBadge } from './due-badge.tsx'

type Request = Answer<'GET', '/v1/privacy-requests/{request}'>

export default function PrivacyRequestPage({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi('/v1/privacy-requests/{request}', { params: { request: id } })
  const request = query.data
  return (
    <>
      <PageHeader
        title={request === undefined ? t('privacy.request') : t(`privacy.kinds.${request.kind}`)}
        parent={{ href: '/privacy', label: t('nav.privacy') }}
        actions={
          request?.state === 'open' &&
          may('privacy:write') && (
            <>
              <Close id={id} verb="answer" />
              <Close id={id} verb="refuse" />
            </>
          )
        }
      />
      <QueryView query={query}>{(known) => <Sections request={known} />}</QueryView>
    </>
  )
}

function Sections({ request }: { readonly request: Request }) {
  const { t } = useTranslation()
  const format = useFormat()
  const { kind, address, origin, details, answer, received_on: received, closed_on: closed } = request
  return (
    <>
      <SectionCard title={t('account.facts')} about={t(`privacy.what_to_do.${kind}`)}>
        <FactList
          facts={[
            [t('accounts.state'), <DueBadge key="due" request={request} />],
            [
              t('accounts.address'),
              address === undefined ? (
                t('common.erased')
              ) : (
                <Link key="account" href={`/accounts/${encodeURIComponent(address)}`}>
                  {address}
                </Link>
              ),
            ],
            [t('privacy.origin'), t(`privacy.origins.${origin}`)],
            [t('desk.received'), format.day(received)],
            [t('legal.closed'), closed && format.day(closed)],
          ]}
        />
      </SectionCard>
      {details !== undefined && (
        <SectionCard title={t('privacy.details')}>
          <TextBlock label={t('privacy.details')} text={details} />
        </SectionCard>
      )}
      {answer !== undefined && (
        <SectionCard title={t('privacy.answer_text')}>
          <TextBlock label={t('privacy.answer_text')} text={answer} />
        </SectionCard>
      )}
    </>
  )
}

function Close({ id, verb }: { readonly id: string; readonly verb: 'answer' | 'refuse' }) {
  const { t } = useTranslation()
  const [answer, setAnswer] = useState('')
  const close = useCommand({
    method: 'POST',
    path: `/v1/privacy-requests/{request}/${verb}`,
    changes: ['/v1/privacy-requests'],
    done: t(`privacy.${verb}_done`),
  })
  return (
    <ConfirmedAction
      label={t(`privacy.${verb}`)}
      consequence={t(`privacy.${verb}_consequence`)}
      command={close}
      isDangerous={verb === 'refuse'}
      onConfirm={(_reason, onDone) => close.run({ params: { request: id }, body: { answer }, onDone })}
    >
      <Textarea
        label={t('privacy.answer_text')}
        value={answer}
        onChange={(event) => setAnswer(event.currentTarget.value)}
        maxLength={2_000}
        autosize
        minRows={3}
        required
      />
    </ConfirmedAction>
  )
}

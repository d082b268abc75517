/** One mail at the desk, as text and nothing but text. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import type { Problem } from '../../api/problem.ts'
import { request } from '../../api/request.ts'
import { useMay } from '../../api/session.ts'
import type { DeskMailText } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { FactList } from '../../parts/fact-list.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { TextBlock } from '../../parts/text-block.tsx'

const PATH = '/v1/mail-desk/{id}'

function usePieces(id: string) {
  return useInfiniteQuery<DeskMailText, Problem, readonly DeskMailText[], readonly string[], number>({
    queryKey: [PATH, id],
    queryFn: ({ pageParam, signal }) =>
      request('GET', PATH, { params: { id }, query: { from: pageParam }, signal }),
    initialPageParam: 0,
    getNextPageParam: ({ next }) => next,
    select: ({ pages }) => pages,
  })
}

export default function DeskMailPage({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const { data, error, hasNextPage, isFetching, fetchNextPage } = usePieces(id)
  const mail = data?.[0]
  return (
    <>
      <PageHeader
        title={mail?.subject === '' ? t('desk.no_subject') : (mail?.subject ?? t('desk.mail'))}
        parent={{ href: '/desk', label: t('nav.desk') }}
        actions={may('desk:write') && <Finish id={id} />}
      />
      <ProblemAlert problem={error} />
      {mail !== undefined && (
        <>
          <SectionCard title={t('desk.facts')}>
            <FactList
              facts={[
                [t('desk.from'), mail.from],
                [t('desk.received'), format.moment(mail.received_at)],
                [t('desk.size'), format.bytes(mail.bytes)],
                [t('desk.report'), mail.feedback],
              ]}
            />
          </SectionCard>
          <SectionCard title={t('desk.text')}>
            <TextBlock label={t('desk.text')} text={data?.map(({ text }) => text).join('') ?? ''} />
            {hasNextPage && (
              <Button mt="md" variant="default" loading={isFetching} onClick={() => void fetchNextPage()}>
                {t('desk.more')}
              </Button>
            )}
          </SectionCard>
        </>
      )}
    </>
  )
}

function Finish({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const [, navigate] = useLocation()
  const [isOpen, dialog] = useDisclosure(false)
  const finish = useCommand({
    method: 'DELETE',
    path: PATH,
    changes: ['/v1/mail-desk'],
    done: t('desk.finished'),
    onDone: () => navigate('/desk'),
  })
  return (
    <>
      <Button className="dangerous" onClick={dialog.open}>
        {t('desk.finish')}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={dialog.close}
        title={t('desk.finish')}
        consequence={t('desk.finish_consequence')}
        submitLabel={t('desk.finish')}
        command={finish}
        onConfirm={() => finish.run({ params: { id } })}
      />
    </>
  )
}

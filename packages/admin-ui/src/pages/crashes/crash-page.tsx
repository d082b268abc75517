/** Reports of one kind of crash, the newest first. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { useFormat } from '../../app/format.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { TextBlock } from '../../parts/text-block.tsx'

export default function CrashPage({ signature }: { readonly signature: string }) {
  const { t } = useTranslation()
  const format = useFormat()
  const query = useApi('/v1/crash-reports/{signature}', { params: { signature } })
  return (
    <>
      <PageHeader
        title={t('crashes.one')}
        about={t('crashes.one_about')}
        parent={{ href: '/crashes', label: t('nav.crashes') }}
      />
      <QueryView query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon="check" text={t('crashes.gone')} />
          ) : (
            items.map(({ day, application, version, platform, trace }, index) => (
              // oxlint-disable-next-line react/no-array-index-key -- reports have no id
              <SectionCard
                key={index}
                title={`${application} ${version}`}
                about={t('crashes.on', { platform, day: format.day(day) })}
              >
                <TextBlock label={t('crashes.trace')} text={trace} />
              </SectionCard>
            ))
          )
        }
      </QueryView>
    </>
  )
}

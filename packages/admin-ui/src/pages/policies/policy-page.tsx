/** One version of a policy: its text in each language, and how many agreed. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useFields } from '../../api/fields.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { PolicyVersion } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { LANGUAGES, nameOfLanguage } from '../../app/language.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { FactList } from '../../parts/fact-list.tsx'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { TextBlock } from '../../parts/text-block.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { NotFoundPage } from '../not-found-page.tsx'
import { ForceBadge } from './force-badge.tsx'
import { PolicyTextInputs } from './policy-text-inputs.tsx'
import { KINDS } from './words.ts'

export interface PolicyPageProps {
  /** As the address has them. */
  readonly kind: string
  readonly version: string
}

export default function PolicyPage({ kind: named, version: numbered }: PolicyPageProps) {
  const kind = KINDS.find((one) => one === named)
  const version = Number(numbered)
  if (kind === undefined || !Number.isSafeInteger(version)) return <NotFoundPage />
  return <Policy kind={kind} version={version} />
}

function Policy({ kind, version }: Pick<PolicyVersion, 'kind' | 'version'>) {
  const { t, i18n } = useTranslation()
  const may = useMay()
  const [language, setLanguage] = useState(i18n.language)
  const path = '/v1/policies/{kind}/versions/{version}'
  const query = useApi(path, { params: { kind, version }, query: { language } })
  return (
    <>
      <PageHeader
        title={t('policies.named', { policy: t(`policies.kinds.${kind}`), version })}
        parent={{ href: '/policies', label: t('nav.policies') }}
        actions={query.data !== undefined && may('policies:write') && <Translate policy={query.data} />}
      />
      <QueryView query={query}>
        {(policy) => (
          <>
            <Facts policy={policy} />
            <SectionCard
              title={policy.title}
              actions={
                policy.languages.length > 1 && (
                  <WordSelect
                    label={t('shell.language')}
                    words={policy.languages}
                    value={policy.language}
                    onChange={(chosen) => chosen !== undefined && setLanguage(chosen)}
                    textOf={nameOfLanguage}
                  />
                )
              }
            >
              <TextBlock label={policy.title} text={policy.text} />
            </SectionCard>
          </>
        )}
      </QueryView>
    </>
  )
}

function Facts({ policy }: { readonly policy: PolicyVersion }) {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const { kind, version } = policy
  const accepted = useApi('/v1/policies/{kind}/versions/{version}/acceptances', {
    params: { kind, version },
    isEnabled: may('policies:read'),
  })
  return (
    <SectionCard title={t('account.facts')}>
      <FactList
        facts={[
          [t('accounts.state'), <ForceBadge key="force" policy={policy} />],
          [t('policies.published_on'), format.day(policy.published_on)],
          [t('policies.effective_on'), format.day(policy.effective_on)],
          [t('policies.accepted'), accepted.data && format.number(accepted.data.count)],
        ]}
      />
    </SectionCard>
  )
}

function Translate({ policy }: { readonly policy: PolicyVersion }) {
  const { t } = useTranslation()
  const { kind, version, languages } = policy
  const missing = LANGUAGES.filter((language) => !languages.includes(language))
  const [isOpen, dialog] = useDisclosure(false)
  const [fields, change] = useFields({ language: missing[0] ?? '', title: '', text: '' })
  const translate = useCommand({
    method: 'POST',
    path: '/v1/policies/{kind}/versions/{version}/texts',
    changes: ['/v1/policies'],
    done: t('policies.translated'),
    onDone: dialog.close,
  })
  if (missing.length === 0) return null
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        {t('policies.translate')}
      </Button>
      <CommandDialog
        isOpen={isOpen}
        onClose={dialog.close}
        title={t('policies.translate')}
        submitLabel={t('policies.translate')}
        command={translate}
        onSubmit={() => translate.run({ params: { kind, version }, body: fields })}
      >
        <PolicyTextInputs fields={fields} onChange={change} taken={languages} />
      </CommandDialog>
    </>
  )
}

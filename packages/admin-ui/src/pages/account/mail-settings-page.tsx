/** What one has chosen for one's mail. */
import { Button, NativeSelect, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { Answer } from '../../api/operations.ts'
import { useApi } from '../../api/queries.ts'
import { PageHeader } from '../../parts/page-header.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'

const PATH = '/v1/me/mail-settings'
const PGP = ['optional', 'on-arrival', 'required'] as const
const MISSING_KEY = ['refuse', 'defer', 'plain'] as const

type Settings = Answer<'GET', typeof PATH>

export default function MailSettingsPage() {
  const { t } = useTranslation()
  const query = useApi(PATH, {})
  return (
    <>
      <PageHeader title={t('own.mail.title')} about={t('own.mail.about')} />
      <SectionCard title={t('own.mail.encryption')}>
        <QueryView query={query}>{(settings) => <SettingsForm settings={settings} />}</QueryView>
      </SectionCard>
    </>
  )
}

function SettingsForm({
  settings: { pgp, on_missing_key: onMissing, in_force: force },
}: {
  readonly settings: Settings
}) {
  const { t } = useTranslation()
  const [chosen, setChosen] = useState({ pgp, on_missing_key: onMissing })
  const save = useCommand({ method: 'PUT', path: PATH, changes: [PATH], done: t('own.mail.saved') })
  const open = (value: string) => ({ value: '', label: t('own.mail.as_domain', { value }) })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        save.run({ body: chosen })
      }}
    >
      <Stack maw="32rem">
        <NativeSelect
          label={t('domains.mail_pgp')}
          description={t('own.mail.pgp_hint')}
          value={chosen.pgp ?? ''}
          onChange={(event) => {
            const { value } = event.currentTarget
            setChosen((before) => ({ ...before, pgp: PGP.find((one) => one === value) }))
          }}
          data={[
            open(t(`domains.mail_pgp_values.${force.pgp}`)),
            ...PGP.map((value) => ({ value, label: t(`domains.mail_pgp_values.${value}`) })),
          ]}
        />
        <NativeSelect
          label={t('own.mail.missing')}
          description={t('own.mail.missing_hint')}
          value={chosen.on_missing_key ?? ''}
          onChange={(event) => {
            const { value } = event.currentTarget
            setChosen((before) => ({ ...before, on_missing_key: MISSING_KEY.find((one) => one === value) }))
          }}
          data={[
            open(t(`own.mail.missing_values.${force.on_missing_key}`)),
            ...MISSING_KEY.map((value) => ({ value, label: t(`own.mail.missing_values.${value}`) })),
          ]}
        />
        <ProblemAlert problem={save.problem} />
        <div>
          <Button type="submit" loading={save.isRunning}>
            {t('common.save')}
          </Button>
        </div>
      </Stack>
    </form>
  )
}

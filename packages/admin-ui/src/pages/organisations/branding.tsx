/** How the pages of an organisation look; what is left open is as above it. */
import { Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { OrganisationDetails } from '../../api/types.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { Logo } from './logo.tsx'
import classes from './organisations.module.css'

const FIELDS = ['name', 'domain', 'support_url', 'background', 'text'] as const
const COLOUR = '#[0-9a-fA-F]{6}'

export function Branding({ organisation: { id, branding } }: { readonly organisation: OrganisationDetails }) {
  const { t } = useTranslation()
  const [fields, setFields] = useState<Readonly<Partial<Record<(typeof FIELDS)[number], string>>>>(branding)
  const save = useCommand({
    method: 'PUT',
    path: '/v1/organisations/{id}/branding',
    changes: ['/v1/organisations'],
    done: t('branding.saved'),
  })
  const submit = (): void => {
    const given = FIELDS.filter((field) => (fields[field] ?? '') !== '').map((field) => [
      field,
      fields[field],
    ])
    save.run({
      params: { id },
      body: Object.fromEntries(given) as Partial<Record<(typeof FIELDS)[number], string>>,
    })
  }
  return (
    <SectionCard title={t('branding.title')} about={t('branding.about')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <div className={classes.fields}>
          {FIELDS.map((field) => (
            <TextInput
              key={field}
              label={t(`branding.${field}`)}
              placeholder={t('branding.as_above')}
              value={fields[field] ?? ''}
              onChange={(event) => {
                const { value } = event.currentTarget
                setFields((before) => ({ ...before, [field]: value }))
              }}
              pattern={field === 'background' || field === 'text' ? COLOUR : undefined}
            />
          ))}
        </div>
        <ProblemAlert problem={save.problem} />
        <Button type="submit" loading={save.isRunning}>
          {t('common.save')}
        </Button>
      </form>
      <Logo id={id} isThere={branding.logo} />
    </SectionCard>
  )
}

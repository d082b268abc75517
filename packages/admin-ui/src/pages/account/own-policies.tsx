/** The policies that hold, to be read and agreed to. Who agrees to which version, and when, is on record. */
import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import type { OwnPolicy } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

const PATH = '/v1/me/policies'

type Version = NonNullable<OwnPolicy['current']>

export function OwnPolicies() {
  const { t } = useTranslation()
  const [reading, setReading] = useState<Version>()
  const { data } = useApi(PATH, {})
  const columns = useColumns(setReading)
  if (data === undefined || data.items.length === 0) return null
  return (
    <SectionCard title={t('own.policies.title')} about={t('own.policies.about')}>
      <DataTable
        label={t('own.policies.title')}
        columns={columns}
        rows={data.items}
        rowKey={({ kind }) => kind}
        empty={null}
      />
      {reading !== undefined && <AgreeDialog version={reading} onClose={() => setReading(undefined)} />}
    </SectionCard>
  )
}

function useColumns(onRead: (version: Version) => void): readonly Column<OwnPolicy>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'policy',
      label: t('own.policies.policy'),
      isName: true,
      cell: (policy) => <PolicyLinks policy={policy} />,
    },
    {
      key: 'accepted',
      label: t('own.policies.accepted'),
      cell: ({ accepted, to_accept: waits }) => (
        <>
          {accepted !== undefined &&
            t('own.policies.accepted_on', {
              version: accepted.version,
              day: format.day(accepted.accepted_on),
            })}{' '}
          {waits && <StateBadge tone="warn">{t('own.policies.waits')}</StateBadge>}
        </>
      ),
    },
    {
      key: 'agree',
      label: t('common.action'),
      cell: ({ kind, current, to_accept: waits }) =>
        waits &&
        current !== undefined && (
          <Button
            size="compact-sm"
            onClick={() => onRead(current)}
            aria-label={t('own.policies.agree_named', { policy: t(`own.policies.kinds.${kind}`) })}
          >
            {t('own.policies.agree')}
          </Button>
        ),
    },
  ]
}

/** Leads to the version in force and to the next one, which are public pages. */
function PolicyLinks({ policy: { kind, current, upcoming } }: { readonly policy: OwnPolicy }) {
  const { t, i18n } = useTranslation()
  const format = useFormat()
  const address = ({ version }: Version) => `/policies/${kind}/${String(version)}?language=${i18n.language}`
  const name = t(`own.policies.kinds.${kind}`)
  return (
    <>
      {current === undefined ? name : <a href={address(current)}>{name}</a>}
      {upcoming !== undefined && (
        <p className="muted">
          <a href={address(upcoming)}>
            {t('own.policies.upcoming', {
              version: upcoming.version,
              day: format.day(upcoming.effective_on),
            })}
          </a>
        </p>
      )}
    </>
  )
}

interface AgreeDialogProps {
  readonly version: Version
  readonly onClose: () => void
}

function AgreeDialog({ version: { kind, version }, onClose }: AgreeDialogProps) {
  const { t, i18n } = useTranslation()
  const agree = useCommand({
    method: 'POST',
    path: `${PATH}/{kind}/versions/{version}/acceptance`,
    changes: [PATH],
    done: t('own.policies.agreed'),
    onDone: onClose,
  })
  return (
    <CommandDialog
      isOpen
      onClose={onClose}
      title={t(`own.policies.kinds.${kind}`)}
      submitLabel={t('own.policies.agree')}
      command={agree}
      onSubmit={() => agree.run({ params: { kind, version }, body: { words: 'I agree' } })}
    >
      <p>{t('own.policies.consequence', { version })}</p>
      <p>
        <a
          href={`/policies/${kind}/${String(version)}?language=${i18n.language}`}
          target="_blank"
          rel="noreferrer"
        >
          {t('own.policies.read')}
        </a>
      </p>
    </CommandDialog>
  )
}

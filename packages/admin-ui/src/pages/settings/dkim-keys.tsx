/** The keys that sign the mail of a domain (RFC 6376), and whether DNS has them. */
import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { DkimKey } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'

const PATH = '/v1/domains/{domain}/dkim'
const STATE_TONES = { next: 'accent', active: 'good', retired: 'quiet' } as const
const DNS_TONES = { yes: 'good', no: 'bad', other: 'bad', unknown: 'warn' } as const

export function DkimKeys({ domain }: { readonly domain: string }) {
  const { t } = useTranslation()
  const format = useFormat()
  const may = useMay()
  const query = useApi(PATH, { params: { domain } })
  const columns: readonly Column<DkimKey>[] = [
    { key: 'selector', label: t('dkim.selector'), isName: true, cell: ({ selector }) => selector },
    {
      key: 'algorithm',
      label: t('dkim.algorithm'),
      cell: ({ algorithm }) => t(`dkim.algorithms.${algorithm}`),
    },
    {
      key: 'state',
      label: t('dkim.state'),
      cell: ({ state }) => <StateBadge tone={STATE_TONES[state]}>{t(`dkim.states.${state}`)}</StateBadge>,
    },
    { key: 'since', label: t('dkim.since'), cell: ({ since }) => format.day(since) },
    {
      key: 'dns',
      label: t('dkim.published'),
      cell: ({ published }) => (
        <StateBadge tone={DNS_TONES[published]}>{t(`dkim.dns.${published}`)}</StateBadge>
      ),
    },
  ]
  return (
    <SectionCard
      title={t('dkim.title')}
      about={t('dkim.about')}
      actions={may('domains:write') && <Rotate domain={domain} />}
    >
      <QueryView query={query}>
        {({ items }) => (
          <DataTable
            label={t('dkim.title')}
            columns={columns}
            rows={items}
            rowKey={({ selector }) => selector}
            empty={<EmptyState icon="key" text={t('dkim.none')} />}
          />
        )}
      </QueryView>
    </SectionCard>
  )
}

function Rotate({ domain }: { readonly domain: string }) {
  const { t } = useTranslation()
  const [isOpen, dialog] = useDisclosure(false)
  const rotate = useCommand({
    method: 'POST',
    path: PATH,
    changes: ['/v1/domains'],
    done: t('dkim.rotated'),
    onDone: dialog.close,
  })
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        {t('dkim.rotate')}
      </Button>
      <ConfirmDialog
        isOpen={isOpen}
        onClose={dialog.close}
        title={t('dkim.rotate')}
        consequence={t('dkim.rotate_consequence')}
        submitLabel={t('dkim.rotate')}
        command={rotate}
        onConfirm={() => rotate.run({ params: { domain } })}
      />
    </>
  )
}

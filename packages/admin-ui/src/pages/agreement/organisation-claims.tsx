/** What an organisation claims for months in which the service level was not kept. */
import { Button, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useFields } from '../../api/fields.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { CreditClaim } from '../../api/types.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { DataTable } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { COMPONENTS } from '../incidents/words.ts'
import { useClaimColumns } from './claim-columns.tsx'

const PATH = '/v1/organisations/{id}/credit-claims'

export function OrganisationClaims({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const may = useMay()
  const query = useApi(PATH, { params: { id } })
  const columns = useClaimColumns()
  return (
    <SectionCard
      title={t('agreement.claims')}
      about={t('agreement.claims_about')}
      actions={may('credits:write') && <FileClaim id={id} />}
    >
      <QueryView query={query}>
        {({ items }) => (
          <DataTable
            label={t('agreement.claims')}
            columns={columns}
            rows={items}
            rowKey={(claim) => claim.id}
            empty={<EmptyState icon="check" text={t('agreement.no_claims')} />}
          />
        )}
      </QueryView>
    </SectionCard>
  )
}

function FileClaim({ id }: { readonly id: string }) {
  const { t } = useTranslation()
  const [isOpen, dialog] = useDisclosure(false)
  const [fields, change] = useFields<Pick<CreditClaim, 'month' | 'component'>>({
    month: new Date().toISOString().slice(0, 7),
    component: 'chat',
  })
  const file = useCommand({
    method: 'POST',
    path: PATH,
    changes: [PATH, '/v1/credit-claims'],
    done: t('agreement.claimed'),
    onDone: dialog.close,
  })
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        {t('agreement.claim')}
      </Button>
      <CommandDialog
        isOpen={isOpen}
        onClose={dialog.close}
        title={t('agreement.claim')}
        submitLabel={t('agreement.claim')}
        command={file}
        onSubmit={() => file.run({ params: { id }, body: fields })}
      >
        <TextInput
          type="month"
          label={t('agreement.which_month')}
          value={fields.month}
          onChange={(event) => change({ month: event.currentTarget.value })}
          required
        />
        <WordSelect
          label={t('agreement.component')}
          words={COMPONENTS}
          value={fields.component}
          onChange={(component) => component && change({ component })}
          textOf={(word) => t(`status.names.${word}`)}
        />
      </CommandDialog>
    </>
  )
}

/** One's passkeys, of which two are encouraged. */
import { Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { makePasskey, type MadeCredential } from '../../api/passkeys.ts'
import { Problem } from '../../api/problem.ts'
import type { OwnSecurity } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { SectionCard } from '../../parts/section-card.tsx'

const PATH = '/v1/me/security'
const NAME_CHARS_MAX = 64

type Passkey = OwnSecurity['passkeys'][number]

export function OwnPasskeys({ passkeys }: Pick<OwnSecurity, 'passkeys'>) {
  const { t } = useTranslation()
  const [isAdding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<Passkey>()
  const columns = useColumns(setRemoving)
  const remove = useCommand({
    method: 'DELETE',
    path: `${PATH}/passkeys/{id}`,
    changes: [PATH],
    done: t('security.passkey_removed'),
    onDone: () => setRemoving(undefined),
  })
  return (
    <SectionCard
      title={t('security.passkeys')}
      about={t(passkeys.length > 1 ? 'security.passkeys_about' : 'security.passkeys_few')}
      actions={
        <Button variant="default" onClick={() => setAdding(true)}>
          {t('security.add_passkey')}
        </Button>
      }
    >
      <DataTable
        label={t('security.passkeys')}
        columns={columns}
        rows={passkeys}
        rowKey={({ id }) => id}
        empty={<EmptyState icon="key" text={t('security.no_passkeys')} />}
      />
      {isAdding && <AddPasskeyDialog onClose={() => setAdding(false)} />}
      <ConfirmDialog
        isOpen={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={t('administrators.remove_named', { name: removing?.name ?? '' })}
        consequence={t('security.remove_passkey_consequence')}
        submitLabel={t('common.remove')}
        command={remove}
        onConfirm={() => removing && remove.run({ params: { id: removing.id } })}
      />
    </SectionCard>
  )
}

function useColumns(onRemove: (passkey: Passkey) => void): readonly Column<Passkey>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    { key: 'name', label: t('administrators.name'), isName: true, cell: ({ name }) => name },
    { key: 'created', label: t('administrators.since'), cell: ({ created_on: day }) => format.day(day) },
    {
      key: 'used',
      label: t('accounts.used'),
      cell: ({ last_used_on: day }) => (day === undefined ? t('accounts.never_used') : format.day(day)),
    },
    {
      key: 'remove',
      label: t('common.action'),
      cell: (passkey) => (
        <RowButton
          label={t('administrators.remove_named', { name: passkey.name })}
          onClick={() => onRemove(passkey)}
        >
          {t('common.remove')}
        </RowButton>
      ),
    },
  ]
}

function AddPasskeyDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState('')
  const [failed, setFailed] = useState<Problem | null>(null)
  const add = useCommand({
    method: 'POST',
    path: `${PATH}/passkeys`,
    changes: [PATH],
    done: t('security.passkey_added'),
    onDone: onClose,
  })
  const begin = useCommand({
    method: 'POST',
    path: `${PATH}/passkeys/options`,
    onDone: (options) => {
      const send = (credential: MadeCredential): void => add.run({ body: { name: name.trim(), credential } })
      makePasskey(options).then(send, (error: unknown) => setFailed(error instanceof Problem ? error : null))
    },
  })
  return (
    <CommandDialog
      isOpen
      onClose={onClose}
      title={t('security.add_passkey')}
      submitLabel={t('security.add_passkey')}
      command={begin.problem === null ? add : begin}
      onSubmit={() => begin.run({})}
    >
      <TextInput
        label={t('administrators.name')}
        description={t('security.passkey_name_hint')}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        maxLength={NAME_CHARS_MAX}
        data-autofocus
        required
      />
      <ProblemAlert problem={failed} />
    </CommandDialog>
  )
}

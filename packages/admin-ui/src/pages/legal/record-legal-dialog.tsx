/** Writes down a request of an authority, as it is on paper. What it lacks, the server finds. */
import { Checkbox, Stack, Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useLocation } from 'wouter'
import { useCommand } from '../../api/commands.ts'
import { type Change, filled, useFields } from '../../api/fields.ts'
import type { Input } from '../../api/operations.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { KINDS, LETTERHEADS, SOUGHT, WAYS } from './words.ts'

type NewRequest = Required<Input<'POST', '/v1/legal-requests'>['body']>

const EMPTY: NewRequest = {
  kind: 'court-order',
  authority: '',
  official_address: '',
  letterhead: 'present',
  username: '',
  sought: [],
  sought_otherwise: '',
  device_type: '',
  legal_basis: '',
  received_how: 'post',
  received_on: '',
  gag_until: '',
}

export interface RecordLegalDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
}

export function RecordLegalDialog({ isOpen, onClose }: RecordLegalDialogProps) {
  const { t } = useTranslation()
  const [, navigate] = useLocation()
  const [fields, change] = useFields(EMPTY)
  const record = useCommand({
    method: 'POST',
    path: '/v1/legal-requests',
    changes: ['/v1/legal-requests'],
    done: t('legal.recorded'),
    onDone: ({ id }) => {
      onClose()
      navigate(`/legal/${id}`)
    },
  })
  return (
    <CommandDialog
      isOpen={isOpen}
      onClose={onClose}
      title={t('legal.record')}
      submitLabel={t('legal.record')}
      command={record}
      onSubmit={() => record.run({ body: filled(fields) })}
    >
      <FromWhom fields={fields} onChange={change} />
      <WhatIsSought fields={fields} onChange={change} />
    </CommandDialog>
  )
}

interface FieldsProps {
  readonly fields: NewRequest
  readonly onChange: Change<NewRequest>
}

function FromWhom({ fields, onChange }: FieldsProps) {
  const { t } = useTranslation()
  return (
    <>
      <TextInput
        label={t('legal.authority')}
        value={fields.authority}
        onChange={(event) => onChange({ authority: event.currentTarget.value })}
        maxLength={200}
        data-autofocus
        required
      />
      <WordSelect
        label={t('legal.kind')}
        words={KINDS}
        value={fields.kind}
        onChange={(kind) => kind && onChange({ kind })}
        textOf={(word) => t(`legal.kinds.${word}`)}
      />
      <TextInput
        type="email"
        label={t('legal.official_address')}
        description={t('legal.official_address_hint')}
        value={fields.official_address}
        onChange={(event) => onChange({ official_address: event.currentTarget.value })}
        maxLength={320}
      />
      <WordSelect
        label={t('legal.letterhead')}
        words={LETTERHEADS}
        value={fields.letterhead}
        onChange={(letterhead) => letterhead && onChange({ letterhead })}
        textOf={(word) => t(`legal.letterheads.${word}`)}
      />
      <WordSelect
        label={t('legal.way')}
        description={t('legal.way_hint')}
        words={WAYS}
        value={fields.received_how}
        onChange={(way) => way && onChange({ received_how: way })}
        textOf={(word) => t(`legal.ways.${word}`)}
      />
      <TextInput
        type="date"
        label={t('legal.received_on')}
        value={fields.received_on}
        onChange={(event) => onChange({ received_on: event.currentTarget.value })}
        required
      />
      <Textarea
        label={t('legal.basis')}
        value={fields.legal_basis}
        onChange={(event) => onChange({ legal_basis: event.currentTarget.value })}
        maxLength={1_000}
        autosize
        required
      />
    </>
  )
}

function WhatIsSought({ fields, onChange }: FieldsProps) {
  const { t } = useTranslation()
  return (
    <>
      <TextInput
        label={t('legal.username')}
        description={t('accounts.address_hint')}
        value={fields.username}
        onChange={(event) => onChange({ username: event.currentTarget.value })}
        autoComplete="off"
      />
      <Checkbox.Group
        label={t('legal.sought')}
        description={t('legal.sought_hint')}
        value={fields.sought}
        onChange={(sought) => onChange({ sought })}
      >
        <Stack gap="xs" mt="xs">
          {SOUGHT.map((word) => (
            <Checkbox key={word} value={word} label={t(`legal.things.${word}`)} />
          ))}
        </Stack>
      </Checkbox.Group>
      <TextInput
        label={t('legal.device_type')}
        description={t('legal.device_type_hint')}
        value={fields.device_type}
        onChange={(event) => onChange({ device_type: event.currentTarget.value })}
        maxLength={200}
      />
      <Textarea
        label={t('legal.sought_otherwise')}
        description={t('legal.sought_otherwise_hint')}
        value={fields.sought_otherwise}
        onChange={(event) => onChange({ sought_otherwise: event.currentTarget.value })}
        maxLength={1_000}
        autosize
      />
      <TextInput
        type="date"
        label={t('legal.gag_until')}
        description={t('legal.gag_hint')}
        value={fields.gag_until}
        onChange={(event) => onChange({ gag_until: event.currentTarget.value })}
      />
    </>
  )
}

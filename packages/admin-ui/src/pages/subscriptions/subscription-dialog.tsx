/** Sets term and fee, in place of the billing system. */
import { NumberInput, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { type Change, filled, useFields } from '../../api/fields.ts'
import type { Input } from '../../api/operations.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import type { Subscription } from '../../api/types.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { WordSelect } from '../../parts/word-select.tsx'
import { FEES } from './words.ts'

type Terms = Required<Input<'PUT', '/v1/subscriptions/organisations/{id}'>['body']>
const SUBJECTS = ['organisation', 'account'] as const
const MONTHS_MAX = 120

export interface SubscriptionDialogProps {
  /** Undefined: a new one. */
  readonly subscription: Subscription | undefined
  readonly onClose: () => void
}

export function SubscriptionDialog({ subscription, onClose }: SubscriptionDialogProps) {
  const { t } = useTranslation()
  const [terms, change] = useFields(termsOf(subscription))
  const [whose, changeWhose] = useFields<Whose>({
    kind: subscription?.account === undefined ? 'organisation' : 'account',
    organisation: subscription?.organisation ?? '',
    jid: subscription?.account === undefined ? '' : (subscription.name ?? ''),
  })
  const options = {
    method: 'PUT',
    changes: ['/v1/subscriptions', '/v1/accounts', '/v1/organisations', '/v1/audit'],
    done: t('subscriptions.saved'),
    onDone: onClose,
  } as const
  const ofOrganisation = useCommand({ ...options, path: '/v1/subscriptions/organisations/{id}' })
  const ofAccount = useCommand({ ...options, path: '/v1/subscriptions/accounts/{jid}' })
  const isOfAccount = whose.kind === 'account'
  const submit = (): void => {
    const body = filled(terms)
    if (isOfAccount) ofAccount.run({ params: { jid: whose.jid.trim() }, body })
    else ofOrganisation.run({ params: { id: whose.organisation }, body })
  }
  return (
    <CommandDialog
      isOpen
      onClose={onClose}
      title={t(subscription === undefined ? 'subscriptions.create' : 'subscriptions.change')}
      submitLabel={t('common.save')}
      command={isOfAccount ? ofAccount : ofOrganisation}
      onSubmit={submit}
    >
      {subscription === undefined && <WhoseInputs whose={whose} onChange={changeWhose} />}
      <TermsInputs terms={terms} onChange={change} />
    </CommandDialog>
  )
}

function termsOf(subscription: Subscription | undefined): Terms {
  return {
    term_months: subscription?.term_months ?? 1,
    started_on: subscription?.started_on ?? '',
    renews_on: subscription?.renews_on ?? '',
    fee: subscription?.fee ?? 'none',
    suspends_on: subscription?.suspends_on ?? '',
    reference: subscription?.reference ?? '',
    billing_method: subscription?.billing_method ?? '',
  }
}

interface Whose {
  readonly kind: (typeof SUBJECTS)[number]
  readonly organisation: string
  readonly jid: string
}

function WhoseInputs({ whose, onChange }: { readonly whose: Whose; readonly onChange: Change<Whose> }) {
  const { t } = useTranslation()
  const may = useMay()
  const organisations = useApi('/v1/organisations', { isEnabled: may('organisations:read') })
  const items = organisations.data?.items ?? []
  return (
    <>
      <WordSelect
        label={t('subscriptions.whose')}
        words={SUBJECTS}
        value={whose.kind}
        onChange={(kind) => kind && onChange({ kind })}
        textOf={(word) => t(`notices.audiences.${word}`)}
      />
      {whose.kind === 'account' ? (
        <TextInput
          label={t('accounts.address')}
          value={whose.jid}
          onChange={(event) => onChange({ jid: event.currentTarget.value })}
          autoComplete="off"
          required
        />
      ) : (
        <WordSelect
          label={t('organisations.organisation')}
          words={items.map(({ id }) => id)}
          value={whose.organisation}
          onChange={(organisation = '') => onChange({ organisation })}
          textOf={(id) => items.find((one) => one.id === id)?.name ?? id}
          none="–"
        />
      )}
    </>
  )
}

function TermsInputs({ terms, onChange }: { readonly terms: Terms; readonly onChange: Change<Terms> }) {
  const { t } = useTranslation()
  const day = (name: 'started_on' | 'renews_on' | 'suspends_on') => (
    <TextInput
      type="date"
      label={t(`subscriptions.${name}`)}
      description={t(`subscriptions.${name}_hint`)}
      value={terms[name]}
      onChange={(event) => onChange({ [name]: event.currentTarget.value })}
      required={name !== 'suspends_on'}
    />
  )
  return (
    <>
      <NumberInput
        label={t('subscriptions.term')}
        value={terms.term_months}
        onChange={(value) => onChange({ term_months: Number(value) })}
        min={1}
        max={MONTHS_MAX}
        allowDecimal={false}
        required
      />
      {day('started_on')}
      {day('renews_on')}
      <WordSelect
        label={t('subscriptions.fee')}
        words={FEES}
        value={terms.fee}
        onChange={(fee) => fee && onChange({ fee, suspends_on: fee === 'overdue' ? terms.suspends_on : '' })}
        textOf={(word) => t(`subscriptions.fees.${word}`)}
      />
      {terms.fee === 'overdue' && day('suspends_on')}
      <TextInput
        label={t('subscriptions.reference')}
        description={t('subscriptions.reference_hint')}
        value={terms.reference}
        onChange={(event) => onChange({ reference: event.currentTarget.value })}
        maxLength={100}
      />
      <TextInput
        label={t('subscriptions.billing_method')}
        description={t('subscriptions.billing_method_hint')}
        value={terms.billing_method}
        onChange={(event) => onChange({ billing_method: event.currentTarget.value })}
        pattern="[a-z][a-z0-9\-]*"
        maxLength={40}
      />
    </>
  )
}

/** What a notice says, and who is told. */
import { Checkbox, Group, NativeSelect, Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type Change, filled } from '../../api/fields.ts'
import type { Input } from '../../api/operations.ts'
import { useApi } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { toInstant } from '../../app/instant.ts'
import { WordSelect } from '../../parts/word-select.tsx'

type Body = Input<'POST', '/v1/notices'>['body']
export type NoticeFields = Required<Body>

const AUDIENCES: readonly NoticeFields['audience'][] = ['all', 'online', 'organisation', 'account']
const WAYS: NoticeFields['by'] = ['mail', 'chat']

export const EMPTY: NoticeFields = {
  kind: 'announcement',
  audience: 'all',
  jid: '',
  organisation: '',
  title: '',
  body: '',
  shown_until: '',
  by: [...WAYS],
}

/** Times are written where the reader is, and sent in UTC. */
export function toBody(fields: NoticeFields): Body {
  const { audience } = fields
  return filled<Body>({
    ...fields,
    jid: audience === 'account' ? fields.jid.trim() : '',
    organisation: audience === 'organisation' ? fields.organisation : '',
    shown_until: toInstant(fields.shown_until),
  })
}

interface NoticeInputsProps {
  readonly fields: NoticeFields
  readonly onChange: Change<NoticeFields>
}

export function NoticeInputs({ fields, onChange }: NoticeInputsProps) {
  const { t } = useTranslation()
  return (
    <>
      <Audience fields={fields} onChange={onChange} />
      <TextInput
        label={t('notices.title')}
        value={fields.title}
        onChange={(event) => onChange({ title: event.currentTarget.value })}
        maxLength={200}
        required
      />
      <Textarea
        label={t('notices.text')}
        description={t('policies.text_hint')}
        value={fields.body}
        onChange={(event) => onChange({ body: event.currentTarget.value })}
        maxLength={10_000}
        rows={8}
        required
      />
      <TextInput
        type="datetime-local"
        label={t('notices.shown_until')}
        description={t('notices.shown_until_hint')}
        value={fields.shown_until}
        onChange={(event) => onChange({ shown_until: event.currentTarget.value })}
      />
      <Checkbox.Group
        label={t('notices.ways')}
        description={t('notices.ways_hint')}
        value={fields.by}
        onChange={(by) => onChange({ by })}
      >
        <Group mt="xs">
          {WAYS.map((way) => (
            <Checkbox key={way} value={way} label={t(`notices.by.${way}`)} />
          ))}
        </Group>
      </Checkbox.Group>
    </>
  )
}

function Audience({ fields, onChange }: NoticeInputsProps) {
  const { t } = useTranslation()
  const may = useMay()
  const organisations = useApi('/v1/organisations', {
    isEnabled: may('organisations:read') && fields.audience === 'organisation',
  })
  return (
    <>
      <WordSelect
        label={t('notices.audience')}
        words={AUDIENCES}
        value={fields.audience}
        onChange={(audience) => audience && onChange({ audience })}
        textOf={(word) => t(`notices.audiences.${word}`)}
      />
      {fields.audience === 'account' && (
        <TextInput
          label={t('accounts.address')}
          value={fields.jid}
          onChange={(event) => onChange({ jid: event.currentTarget.value })}
          autoComplete="off"
          required
        />
      )}
      {fields.audience === 'organisation' && (
        <NativeSelect
          label={t('organisations.organisation')}
          value={fields.organisation}
          onChange={(event) => onChange({ organisation: event.currentTarget.value })}
          data={[
            { value: '', label: '–' },
            ...(organisations.data?.items.map(({ id, name }) => ({ value: id, label: name })) ?? []),
          ]}
          required
        />
      )}
    </>
  )
}

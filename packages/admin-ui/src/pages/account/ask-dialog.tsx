/** Asks something about one's own data; an answer comes within thirty days. */
import { NativeSelect, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'

const PATH = '/v1/me/privacy-requests'
/** Deletion is done, not asked for. */
const KINDS = ['correction', 'objection', 'access', 'portability'] as const
const DETAILS_CHARS_MAX = 2_000

export function AskDialog({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation()
  const [kind, setKind] = useState<(typeof KINDS)[number]>('correction')
  const [details, setDetails] = useState('')
  const ask = useCommand({
    method: 'POST',
    path: PATH,
    changes: [PATH],
    done: t('own.requests.asked'),
    onDone: onClose,
  })
  const given = details.trim()
  return (
    <CommandDialog
      isOpen
      onClose={onClose}
      title={t('own.requests.ask')}
      submitLabel={t('own.requests.ask')}
      command={ask}
      onSubmit={() => ask.run({ body: { kind, ...(given === '' ? {} : { details: given }) } })}
    >
      <NativeSelect
        label={t('own.requests.kind')}
        value={kind}
        onChange={(event) => {
          const { value } = event.currentTarget
          setKind(KINDS.find((one) => one === value) ?? 'correction')
        }}
        data={KINDS.map((value) => ({ value, label: t(`own.requests.kinds.${value}`) }))}
      />
      <Textarea
        label={t('own.requests.details')}
        value={details}
        onChange={(event) => setDetails(event.currentTarget.value)}
        maxLength={DETAILS_CHARS_MAX}
        minRows={3}
        autosize
        required={kind === 'correction' || kind === 'objection'}
      />
    </CommandDialog>
  )
}

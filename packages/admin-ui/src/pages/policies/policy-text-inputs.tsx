/** The text of a policy in one language. */
import { Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Change } from '../../api/fields.ts'
import { LANGUAGES, nameOfLanguage } from '../../app/language.ts'
import { WordSelect } from '../../parts/word-select.tsx'

const TEXT_CHARS_MAX = 200_000

export interface PolicyText {
  readonly language: string
  readonly title: string
  readonly text: string
}

export interface PolicyTextInputsProps {
  readonly fields: PolicyText
  readonly onChange: Change<PolicyText>
  /** Languages that it is there in already. */
  readonly taken?: readonly string[]
}

export function PolicyTextInputs({ fields, onChange, taken = [] }: PolicyTextInputsProps) {
  const { t } = useTranslation()
  return (
    <>
      <WordSelect
        label={t('shell.language')}
        words={LANGUAGES.filter((language) => !taken.includes(language))}
        value={fields.language}
        onChange={(language) => language !== undefined && onChange({ language })}
        textOf={nameOfLanguage}
      />
      <TextInput
        label={t('policies.title')}
        value={fields.title}
        onChange={(event) => onChange({ title: event.currentTarget.value })}
        maxLength={200}
        required
      />
      <Textarea
        label={t('policies.text')}
        description={t('policies.text_hint')}
        value={fields.text}
        onChange={(event) => onChange({ text: event.currentTarget.value })}
        maxLength={TEXT_CHARS_MAX}
        rows={10}
        required
      />
    </>
  )
}

/** What a list is narrowed by: each with its state and its input. */
import { TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Icon } from './icon.tsx'
import { WordSelect } from './word-select.tsx'

export interface Filter<T> {
  readonly label: string
  readonly value: T
  readonly input: ReactNode
}

export interface WordFilterOptions<T extends string> {
  readonly label: string
  readonly words: readonly T[]
  readonly textOf: (word: T) => string
}

/** One of some words, or all. */
export function useWordFilter<T extends string>(options: WordFilterOptions<T>): Filter<T | undefined> {
  const { t } = useTranslation()
  const [value, setValue] = useState<T>()
  const input = <WordSelect {...options} value={value} onChange={setValue} none={t('common.all')} />
  return { label: options.label, value, input }
}

/** While somebody types nothing is asked. */
const TYPING_MS = 300

export interface TextFilterOptions {
  readonly label: string
  readonly type?: 'search' | 'date'
  readonly placeholder?: string
  readonly maxLength?: number
}

/** Empty: all. */
export function useTextFilter({ type = 'search', ...options }: TextFilterOptions): Filter<string> {
  const [typed, setTyped] = useState('')
  const [value] = useDebouncedValue(typed.trim(), TYPING_MS)
  const input = (
    <TextInput
      {...options}
      type={type}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      leftSection={type === 'search' && <Icon name="search" size={16} />}
    />
  )
  return { label: options.label, value, input }
}

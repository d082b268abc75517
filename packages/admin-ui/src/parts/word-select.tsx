/** A choice of one of the API's words. */
import { NativeSelect } from '@mantine/core'
import type { ReactNode } from 'react'

export interface WordSelectProps<T extends string> {
  readonly label: string
  readonly description?: ReactNode
  readonly words: readonly T[]
  /** Undefined: none of them. */
  readonly value: T | undefined
  readonly onChange: (word: T | undefined) => void
  readonly textOf: (word: T) => string
  /** What choosing none is called; without it one is always chosen. */
  readonly none?: string
}

export function WordSelect<T extends string>(props: WordSelectProps<T>) {
  const { label, description, words, value, onChange, textOf, none } = props
  return (
    <NativeSelect
      label={label}
      description={description}
      value={value ?? ''}
      onChange={(event) => onChange(words.find((word) => word === event.currentTarget.value))}
      data={[
        ...(none === undefined ? [] : [{ value: '', label: none }]),
        ...words.map((word) => ({ value: word, label: textOf(word) })),
      ]}
    />
  )
}

/** The fields of a form, changed one by one. */
import { useState } from 'react'

export type Change<T> = (changed: Partial<T>) => void

export function useFields<T extends object>(initial: T): readonly [T, Change<T>] {
  const [fields, setFields] = useState(initial)
  return [fields, (changed) => setFields((before) => ({ ...before, ...changed }))]
}

/** Without what was left open: the API takes no empty texts. */
export function filled<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')) as T
}

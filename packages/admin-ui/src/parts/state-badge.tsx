/** A state in a word and a tone; the word alone says it. */
import type { ReactNode } from 'react'
import classes from './state-badge.module.css'

export type Tone = 'good' | 'warn' | 'bad' | 'quiet' | 'accent'

export function StateBadge({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return <span className={`${classes.badge ?? ''} ${classes[tone] ?? ''}`}>{children}</span>
}

/** Names and values of one thing. What is undefined is left out. */
import type { ReactNode } from 'react'
import classes from './fact-list.module.css'

export type Fact = readonly [label: string, value: ReactNode | undefined]

export function FactList({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className={classes.list}>
      {facts
        .filter(([, value]) => value !== undefined)
        .map(([label, value]) => (
          <div key={label} className={classes.fact}>
            <dt className={classes.label}>{label}</dt>
            <dd className={classes.value}>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

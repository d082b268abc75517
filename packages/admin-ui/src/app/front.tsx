/** A page for whoever is not signed in: one card in the middle. */
import type { ReactNode } from 'react'
import { PageHeader } from '../parts/page-header.tsx'
import { Brand } from './brand.tsx'
import classes from './front.module.css'
import { Preferences } from './preferences.tsx'

export interface FrontProps {
  readonly title: string
  readonly about?: ReactNode
  readonly children: ReactNode
}

export function Front({ title, about, children }: FrontProps) {
  return (
    <div className={classes.page}>
      <main className={classes.card}>
        <div className={classes.brand}>
          <Brand />
        </div>
        <PageHeader title={title} about={about} />
        {children}
      </main>
      <footer className={classes.foot}>
        <Preferences />
      </footer>
    </div>
  )
}

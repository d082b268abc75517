/** The heading of a page. After a change of page the reader is brought here: focus, title of the window. */
import { Group } from '@mantine/core'
import { useEffect, useRef, type ReactNode } from 'react'
import { Link } from 'wouter'
import { useLook } from '../api/brand.ts'
import { Icon } from './icon.tsx'
import classes from './page-header.module.css'

export interface PageHeaderProps {
  readonly title: string
  readonly about?: ReactNode
  /** Where this page belongs. */
  readonly parent?: { readonly href: string; readonly label: string }
  readonly actions?: ReactNode
}

/** Where the reader is. A page that the browser itself has loaded leaves the focus where that puts it: before the skip link. */
let place = location.pathname

export function PageHeader({ title, about, parent, actions }: PageHeaderProps) {
  const { name } = useLook()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · ${name}`
  }, [title, name])
  useEffect(() => {
    if (location.pathname !== place) heading.current?.focus({ preventScroll: true })
    place = location.pathname
  }, [])
  return (
    <header className={classes.header}>
      <div className={classes.text}>
        {parent !== undefined && (
          <Link href={parent.href} className={classes.parent}>
            <Icon name="back" size={14} />
            {parent.label}
          </Link>
        )}
        <h1 ref={heading} tabIndex={-1} className={classes.title}>
          {title}
        </h1>
        {about !== undefined && <p className={classes.about}>{about}</p>}
      </div>
      {actions !== undefined && <Group gap="xs">{actions}</Group>}
    </header>
  )
}

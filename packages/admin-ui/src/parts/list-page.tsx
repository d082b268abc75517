/** A page that is a list: what it is about, the way to something new, the list with its filters. */
import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Problem } from '../api/problem.ts'
import { Icon } from './icon.tsx'
import { ListCard, type ListCardProps } from './list-card.tsx'
import { PageHeader } from './page-header.tsx'
import { ProblemAlert } from './problem-alert.tsx'

export interface ListPageProps<T> extends Omit<ListCardProps<T>, 'label'> {
  readonly title: string
  readonly about: string
  /** Makes one more; false: the reader may not. */
  readonly create?: false | { readonly label: string; readonly onClick: () => void }
  readonly actions?: ReactNode
  /** Why what was done to one of them was refused. */
  readonly problem?: Problem | null
  /** Between the heading and the list. */
  readonly children?: ReactNode
}

export function ListPage<T>(props: ListPageProps<T>) {
  const { title, about, create = false, actions, problem = null, children, ...list } = props
  return (
    <>
      <PageHeader
        title={title}
        about={about}
        actions={
          (actions !== undefined || create !== false) && (
            <>
              {actions}
              {create !== false && (
                <Button leftSection={<Icon name="plus" size={16} />} onClick={create.onClick}>
                  {create.label}
                </Button>
              )}
            </>
          )
        }
      />
      <ProblemAlert problem={problem} />
      {children}
      <ListCard label={title} {...list} />
    </>
  )
}

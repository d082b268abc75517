/** What a query is while it loads, when it fails, and when it is there. */
import { Loader } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { ApiQuery } from '../api/queries.ts'
import { ProblemAlert } from './problem-alert.tsx'
import classes from './query-view.module.css'

export interface QueryViewProps<T> {
  readonly query: ApiQuery<T>
  readonly children: (data: T) => ReactNode
}

export function QueryView<T>({ query, children }: QueryViewProps<T>) {
  const { t } = useTranslation()
  // What was shown is shown on while the server is away, but not what is gone.
  const isGone = query.error?.status === 404
  if (query.isError && (query.data === undefined || isGone)) return <ProblemAlert problem={query.error} />
  if (query.data === undefined)
    return (
      <div className={classes.loading} role="status">
        <Loader size="sm" aria-hidden="true" />
        {t('common.loading')}
      </div>
    )
  return children(query.data)
}

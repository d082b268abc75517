/** A list in a card: loading, refused, empty, or there; filters above it, pages below. */
import { Paper } from '@mantine/core'
import { Fragment, type Key } from 'react'
import type { ApiQuery, Paging } from '../api/queries.ts'
import { DataTable, type Column } from './data-table.tsx'
import { EmptyState } from './empty-state.tsx'
import { FilterBar } from './filter-bar.tsx'
import type { Filter } from './filters.tsx'
import type { IconName } from './icon.tsx'
import { QueryView } from './query-view.tsx'

export interface ListCardProps<T> {
  readonly label: string
  readonly query: ApiQuery<{ readonly items: readonly T[] }>
  readonly columns: readonly Column<T>[]
  readonly rowKey: (row: T) => Key
  readonly none: string
  readonly icon: IconName
  readonly paging?: Paging
  readonly filters?: { readonly label: string; readonly by: readonly Filter<unknown>[] }
}

export function ListCard<T>(props: ListCardProps<T>) {
  const { label, query, columns, rowKey, none, icon, paging, filters } = props
  return (
    <Paper p="md">
      {filters !== undefined && (
        <FilterBar label={filters.label}>
          {filters.by.map(({ label: name, input }) => (
            <Fragment key={name}>{input}</Fragment>
          ))}
        </FilterBar>
      )}
      <QueryView query={query}>
        {({ items }) => (
          <DataTable
            label={label}
            columns={columns}
            rows={items}
            rowKey={rowKey}
            paging={paging}
            isStale={query.isPlaceholderData}
            empty={<EmptyState icon={icon} text={none} />}
          />
        )}
      </QueryView>
    </Paper>
  )
}

/** A table; on a phone each row is a card. The roles are said, since a row that is no table row in the style sheet loses its own in some browsers. */
import { Button, Group } from '@mantine/core'
import type { Key, ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Paging } from '../api/queries.ts'
import classes from './data-table.module.css'
import { Icon } from './icon.tsx'

export interface Column<T> {
  readonly key: string
  readonly label: string
  readonly cell: (row: T) => ReactNode
  readonly isNumber?: boolean
  /** What the row is called: its header for screen readers, the head of its card on a phone. */
  readonly isName?: boolean
}

export interface DataTableProps<T> {
  /** What the table is about. */
  readonly label: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly rowKey: (row: T) => Key
  readonly paging?: Paging
  /** Shown instead of a table without rows. */
  readonly empty: ReactNode
  /** Something newer is on its way. */
  readonly isStale?: boolean
}

export function DataTable<T>({ label, columns, rows, rowKey, paging, empty, isStale }: DataTableProps<T>) {
  if (rows.length === 0 && paging?.hasPrevious !== true) return empty
  return (
    <>
      <table role="table" aria-label={label} aria-busy={isStale === true} className={classes.table}>
        <thead role="rowgroup" className={classes.head}>
          <tr role="row">
            {columns.map(({ key, label: name, isNumber }) => (
              <th
                key={key}
                role="columnheader"
                scope="col"
                className={isNumber === true ? classes.number : undefined}
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row" className={classes.row}>
              {columns.map((column) => (
                <Cell key={column.key} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {paging !== undefined && <Pages paging={paging} />}
    </>
  )
}

function Cell<T>({ column, row }: { readonly column: Column<T>; readonly row: T }) {
  const { label, cell, isName, isNumber } = column
  if (isName === true)
    return (
      <th role="rowheader" scope="row" className={classes.name}>
        {cell(row)}
      </th>
    )
  const value = cell(row)
  // On a phone a label with nothing beside it says nothing.
  const isNothing = value === false || value === null || value === undefined
  return (
    <td role="cell" className={isNothing ? classes.nothing : isNumber === true ? classes.number : undefined}>
      <span aria-hidden="true" className={classes.label}>
        {label}
      </span>
      <span className={classes.value}>{value}</span>
    </td>
  )
}

/** The way to the other pages of a list; nothing where there are none. */
export function Pages({ paging }: { readonly paging: Paging }) {
  const { t } = useTranslation()
  if (!paging.hasPrevious && !paging.hasNext) return null
  return (
    <Group component="nav" justify="space-between" mt="md" aria-label={t('table.pages')}>
      <Button
        variant="default"
        disabled={!paging.hasPrevious}
        onClick={paging.previous}
        leftSection={<Icon name="back" size={16} />}
      >
        {t('table.previous')}
      </Button>
      <span role="status" className={classes.page}>
        {t('table.page', { page: paging.page })}
      </span>
      <Button
        variant="default"
        disabled={!paging.hasNext}
        onClick={paging.next}
        rightSection={<Icon name="next" size={16} />}
      >
        {t('table.next')}
      </Button>
    </Group>
  )
}

/** The map as it is published at `/.well-known/data-map.json`. */
import type { TableEntry } from './entry.ts'
import { FILES } from './files.ts'
import { LOG_FIELDS } from './log-fields.ts'
import { DATA_MAP } from './tables.ts'

export const DATA_MAP_SCHEMA = 'urn:sealpost:data-map:1'

export function dataMapDocument(): object {
  return {
    schema: DATA_MAP_SCHEMA,
    tables: Object.entries(DATA_MAP).map(([name, table]) => ({ name, ...showTable(table) })),
    files: Object.entries(FILES).map(([name, file]) => ({ name, ...file })),
    log_fields: LOG_FIELDS,
  }
}

function showTable(table: TableEntry): object {
  const { about, purpose, kept, columns } = table
  if (table.about === 'nobody') return { about, purpose, kept, columns }
  const { told, erased, sealed = false } = table
  const given = 'export' in told ? { exported: told.export } : { not_exported: told.notExported }
  return { about, purpose, kept, ...given, erased, sealed, columns }
}

/** The map as it stands in docs/privacy.md. */
import type { TableEntry, Told } from './entry.ts'
import { FILES } from './files.ts'
import { LOG_FIELDS } from './log-fields.ts'
import { DATA_MAP } from './tables.ts'

export function dataMapMarkdown(): string {
  const tables = Object.entries(DATA_MAP)
  const personal = tables.filter(([, { about }]) => about !== 'nobody')
  const impersonal = tables.filter(([, { about }]) => about === 'nobody')
  return [
    '### Tables about people\n',
    ...personal.map(([name, table]) => tableSection(name, table)),
    '### Tables about nobody\n',
    ...impersonal.map(([name, table]) => tableSection(name, table)),
    '### Files\n',
    '`DATA` is the data directory, `KEYRING` is `KEYRING_DIR`.\n',
    rows(
      ['file', 'purpose', 'kept', 'in backups'],
      Object.entries(FILES).map(([name, { purpose, kept, backup }]) => [code(name), purpose, kept, backup]),
    ),
    '### Fields of a log line\n',
    rows(
      ['field', 'says'],
      Object.entries(LOG_FIELDS).map(([name, says]) => [code(name), says]),
    ),
  ].join('\n')
}

function tableSection(name: string, table: TableEntry): string {
  const { purpose, kept, columns } = table
  const facts =
    table.about === 'nobody'
      ? [`Kept: ${kept}.`]
      : [
          `About: ${table.about === 'stranger' ? 'people elsewhere' : `an ${table.about}`}.`,
          `Kept: ${kept}.`,
          `Export: ${exportOf(table.told)}.`,
          `Erased: ${table.erased}.`,
        ]
  const list = Object.entries(columns).map(([column, says]) => [code(column), says])
  return `#### \`${name}\`\n\n${purpose}. ${facts.join(' ')}\n\n${rows(['column', 'why'], list)}`
}

function exportOf(told: Told): string {
  return 'export' in told ? `yes, in \`${told.export}\`` : `no: ${told.notExported}`
}

const code = (text: string): string => `\`${text}\``

function rows(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('')
}

/** Looks for planted texts wherever Sealpost could have left them. */
import { randomBytes } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'

/** A text that occurs nowhere else. */
export function canary(prefix: string): string {
  return prefix + randomBytes(8).toString('hex')
}

/** The text as it is, also in UTF-16 of either order, and as base64 shows it at each of the three alignments, and all in hexadecimal as Postgres prints binary columns. */
export function disguises(text: string): string[] {
  const inBase64 = [0, 1, 2].map((shift) => {
    const padded = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)])
    // The first and the last group depend on the neighbours.
    return padded
      .toString('base64')
      .replaceAll('=', '')
      .slice(shift === 0 ? 0 : 4, -4)
  })
  const readable = [text, Array.from(text).join('\0'), ...inBase64]
  return [...readable, ...readable.map((each) => Buffer.from(each).toString('hex'))]
}

/** Names of the tables that hold the text in any column of any row. */
export async function tablesWith(databaseUrl: string, text: string): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') order by 1`,
    )
    const found: string[] = []
    for (const { name } of rows) {
      const hits = await client.query(
        `select 1 from ${name} as r where exists (select from unnest($1::text[]) n where strpos(r::text, n) > 0) limit 1`,
        [disguises(text).filter((each) => !each.includes('\0'))], // which no text of Postgres has
      )
      if (hits.rows.length > 0) found.push(name)
    }
    return found
  } finally {
    await client.end()
  }
}

/** For each text the paths of the files below `directory` that hold it, byte by byte. */
export async function filesWith(
  directory: string,
  texts: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const needles = texts.map((text) => [text, disguises(text).map((each) => Buffer.from(each))] as const)
  const found = new Map(texts.map((text) => [text, [] as string[]]))
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    // A file that Postgres has just removed holds nothing.
    const content = await readFile(path).catch(() => Buffer.alloc(0))
    for (const [text, forms] of needles)
      if (forms.some((form) => content.includes(form)))
        found.get(text)?.push(path.slice(directory.length + 1))
  }
  return found
}

/** Whether the output of a process holds the text. */
export function says(output: string, text: string): boolean {
  return disguises(text).some((each) => output.includes(each))
}

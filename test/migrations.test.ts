/** Migrations since the release before only add what its program need not know (docs/decisions/0050-rolling-upgrades.md). Skipped where the history does not have it. */
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { ROOT } from './stack/compose-file.ts'
import { hasPrevious, PREVIOUS } from './stack/previous-release.ts'

/** What a program of before may stumble over, unless a comment `-- Contract: WHY` in the file says why not. Constraints and indexes may be made anew. */
const TAKES_AWAY = [
  /\bdrop\s+(?:table|column|view|function|type|schema|trigger)\b/i,
  /\brename\b/i,
  /\bset\s+not\s+null\b/i,
  /\balter\s+column\s+\S+\s+(?:set\s+data\s+)?type\b/i,
  /\badd\s+column\b(?:(?!\bdefault\b|\bgenerated\b|,|;)[^])*\bnot\s+null\b(?:(?!\bdefault\b|\bgenerated\b|,|;)[^])*[,;]/i,
]

function takesAway(sql: string): string[] {
  if (/^-- Contract: \S/m.test(sql)) return []
  const statements = sql.replaceAll(/--.*$/gm, '')
  return TAKES_AWAY.flatMap((what) => what.exec(statements)?.[0] ?? [])
}

test('what takes away from a schema is seen', () => {
  const bad = [
    'alter table xmpp.a drop column b;',
    'alter table xmpp.a rename column b to c;',
    'alter table xmpp.a alter column b set not null;',
    'alter table xmpp.a alter column b type bigint;',
    'alter table xmpp.a add column b int not null;',
    'drop table xmpp.a;',
  ]
  for (const sql of bad) expect(takesAway(sql), sql).not.toEqual([])
  const good = [
    'create table xmpp.a (b int not null);',
    'alter table xmpp.a add column b int not null default 0;',
    'alter table xmpp.a add column b int, add column c boolean default false not null;',
    'alter table xmpp.a drop constraint b, add constraint b check (c > 0);',
    '-- drop table xmpp.a;',
    '-- Contract: nothing reads it since 1.1.\nalter table xmpp.a drop column b;',
  ]
  for (const sql of good) expect(takesAway(sql), sql).toEqual([])
})

test.skipIf(!(await hasPrevious()))(`migrations since ${PREVIOUS.slice(0, 8)} only add`, async () => {
  const tree = await promisify(execFile)('git', ['ls-tree', '-r', '--name-only', PREVIOUS], {
    cwd: ROOT,
    maxBuffer: 2 ** 24,
  })
  const before = new Set(tree.stdout.split('\n'))
  const files = globSync('{packages,services}/*/migrations/*.sql', { cwd: ROOT })
  const since = files.filter((file) => !before.has(file))
  const findings = since.flatMap((file) =>
    takesAway(readFileSync(join(ROOT, file), 'utf8')).map((what) => `${file}: ${what}`),
  )
  expect(findings).toEqual([])
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAccountsJsonLines } from './import-json-lines.ts'

const ORGANISATION = '0C9F37AC-3f30-4c39-9f0e-27e1fc2c8a11'

async function read(...chunks: (string | Buffer)[]): Promise<unknown[]> {
  const bytes = async function* (): AsyncGenerator<Buffer> {
    for (const chunk of chunks) yield Buffer.from(chunk)
  }
  const rows = await Array.fromAsync(readAccountsJsonLines(bytes(), ['example.org', 'Example.NET']))
  return rows.map((row) =>
    'problem' in row ? `${String(row.line)}!${row.problem}` : { ...row, jid: row.jid.toString() },
  )
}

describe('readAccountsJsonLines', () => {
  test('reads what is given, with canonical names, and counts blank lines', async () => {
    const full = { jid: 'ANN@example.net', password: ' x ', organisation: ORGANISATION, plan: 'plus' }
    expect(await read(`\u{feff}${JSON.stringify(full)}\r\n\n  \n{"jid":"ben"}`)).toEqual([
      {
        line: 1,
        jid: 'ann@example.net',
        password: ' x ',
        organisationId: ORGANISATION.toLowerCase(),
        plan: 'plus',
      },
      { line: 4, jid: 'ben@example.org', password: undefined, organisationId: undefined, plan: undefined },
    ])
  })

  test.each([
    ['no JSON', '{"jid":"a"', 'json'],
    ['a list', '["a"]', 'json'],
    ['a text', '"a"', 'json'],
    ['nothing', 'null', 'json'],
    ['a number as name', '{"jid":7}', 'json'],
    ['a nested value', '{"jid":"a","plan":{"name":"x"}}', 'json'],
    ['no name', '{"password":"x"}', 'fields'],
    ['an unknown field', '{"jid":"a","admin":"true"}', 'fields'],
    ['an own field of objects', '{"jid":"a","__proto__":"x"}', 'fields'],
    ['an empty password', '{"jid":"a","password":""}', 'password'],
    ['a name that is none', '{"jid":"a b"}', 'username'],
    ['a foreign domain', '{"jid":"a@elsewhere.example"}', 'domain'],
    ['an organisation by name', '{"jid":"a","organisation":"Acme"}', 'organisation'],
    ['a plan that is no name', '{"jid":"a","plan":"Big One"}', 'plan'],
    ['a line without end', `{"jid":"${'a'.repeat(10_000)}"}`, 'too-long'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'encoding'],
  ])('%s spoils its line only', async (_what, line, problem) => {
    expect(await read(line, '\n{"jid":"ben"}')).toMatchObject([`1!${problem}`, { line: 2 }])
  })

  test('whatever the bytes, each line is answered at most once and in order', async () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.json(), { maxLength: 5 }).map((lines) => Buffer.from(lines.join('\n'))),
    )
    await fc.assert(
      fc.asyncProperty(hostile, async (input) => {
        const rows = (await read(Buffer.from(input))).map((row) =>
          typeof row === 'string' ? Number.parseInt(row, 10) : (row as { line: number }).line,
        )
        expect(rows).toEqual([...new Set(rows)].toSorted((one, other) => one - other))
      }),
      { numRuns: 1_000, interruptAfterTimeLimit: 2_000 },
    )
  })
})

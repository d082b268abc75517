/** A program: tries a keyring on the rows that it gets on standard input, and says the ids of those that it opens, or with which code it failed. What it reads it keeps to itself. */
import { readFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { text } from 'node:stream/consumers'
import { type Candidate, KeySearch } from './key-search.ts'
import type { TrialAnswer, TrialOrders } from './try-rows.ts'

/** The lowest: whatever else runs on this machine goes first. */
const PRIORITY = 19

function toCandidate({
  id,
  queueHandle,
  seq,
  sizeClass,
  blob: text64,
}: TrialOrders['rows'][number]): Candidate {
  const blob = Buffer.from(text64, 'base64')
  const bytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex')
  const names = { id: bytes(id), handle: bytes(queueHandle), seq: BigInt(seq) }
  return { row: { ...names, sizeClass, blob, outside: undefined, rest: Buffer.alloc(0) }, blob }
}

async function carryOut({ keyring, rows }: TrialOrders): Promise<TrialAnswer> {
  try {
    const known = new Map(rows.map((row) => [row.id.replaceAll('-', ''), row.id]))
    const search = new KeySearch(rows.map(toCandidate))
    const opened = [...search.openWith(await readFile(keyring))]
    for (const { plaintext } of opened) plaintext.fill(0)
    return { opened: opened.map(({ row }) => known.get(row.id.toString('hex')) ?? '') }
  } catch (error) {
    return { failed: (error as NodeJS.ErrnoException).code ?? 'FAILED' }
  }
}

setPriority(PRIORITY)
process.stdout.write(JSON.stringify(await carryOut(JSON.parse(await text(process.stdin)) as TrialOrders)))

/**
 * Heads of the audit log in a file of the data directory, outside Postgres: whoever could write the log anew from some entry on, database superusers
 * included, would have to change this file too. Lines of `seq hash`, only ever added to.
 */
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditHead, AuditLog } from '@sealpost/audit'
import { unlessGone } from '@sealpost/errors'

export interface AuditHeads {
  /** Of one data directory; none where no head has been noted. */
  read(): Promise<AuditHead[]>
  /** Notes the newest entry, unless it is noted already. */
  note(audit: Pick<AuditLog, 'find'>): Promise<void>
}

const LINE = /^(\d{1,15}) ([0-9a-f]{64})$/

export function openAuditHeads(dataDir: string): AuditHeads {
  const path = join(dataDir, 'audit-heads')
  let noted = 0
  return {
    read: async () => parse((await readFile(path, 'utf8').catch(unlessGone)) ?? ''),
    async note(audit) {
      const [newest] = await audit.find({ limit: 1 })
      if (newest === undefined || newest.seq <= noted) return
      await appendFile(path, `${String(newest.seq)} ${newest.hash.toString('hex')}\n`, { mode: 0o600 })
      noted = newest.seq
    },
  }
}

/** A line cut off by a crash is none. */
function parse(text: string): AuditHead[] {
  return text.split('\n').flatMap((line) => {
    const [, seq, hash] = LINE.exec(line) ?? []
    return seq === undefined || hash === undefined ? [] : [{ seq: Number(seq), hash }]
  })
}

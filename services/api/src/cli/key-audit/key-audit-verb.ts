/** `ctl key audit ADDRESS`: what the audit found, in lines for a person. */
import { join } from 'node:path'
import { OperationalError } from '@sealpost/errors'
import { OpenPgpError, readUpload, summarize } from '@sealpost/openpgp'
import { systemClock } from '@sealpost/runtime'
import { parseVerifierKey } from '@sealpost/tlog'
import { RefusedError } from '../client.ts'
import type { RouteArguments, RouteVerb } from '../run-ctl.ts'
import { readAuditState, writeAuditState } from './audit-state.ts'
import { auditAddress } from './key-audit.ts'
import type { AuditedEntry, AuditReport } from './key-audit.ts'

/** In the data directory, unless another file is given. */
const STATE_FILE = 'key-audit.json'

export const keyAuditVerb: RouteVerb = {
  noun: 'key',
  verb: 'audit',
  parameters: ['ADDRESS'],
  options: {
    'state-file': {
      value: 'FILE',
      help: `what was seen last time; ${STATE_FILE} of the data directory unless given`,
    },
    witness: {
      value: 'KEYS',
      help: 'verifier keys of witnesses, separated by commas: each must have cosigned the log',
    },
    'log-key': {
      value: 'KEY',
      help: 'verifier key that the log must have, from /tlog/key or better from elsewhere',
    },
  },
  summary:
    'List every certificate that the key directory has ever served for an address, and verify that it hides none',
  run: async (given) => {
    try {
      return await run(given)
    } catch (error) {
      if (error instanceof RefusedError || !(error instanceof OperationalError)) throw error
      throw new RefusedError(`Audit failed. ${error.message}`)
    }
  },
}

async function run({
  positional,
  options,
  dataDir,
  ask,
}: RouteArguments): Promise<{ result: unknown; text: string }> {
  const [address = ''] = positional
  const stateFile = options.get('state-file') ?? join(dataDir, STATE_FILE)
  const before = await readAuditState(stateFile)
  const verifierKey = options.get('log-key')
  const witnesses = (options.get('witness') ?? '').split(',').filter(Boolean).map(parseVerifierKey)
  const { report, state } = await auditAddress({ ask, address, state: before, verifierKey, witnesses })
  await writeAuditState(stateFile, state)
  const entries = report.entries.map(describe)
  const { size, comparedWith, cosignatures } = report
  const result = {
    log_key: report.verifierKey,
    size,
    compared_with: comparedWith ?? null,
    cosignatures,
    entries,
  }
  return { result, text: print(report, entries) }
}

interface Described {
  readonly index: number
  readonly day: string
  readonly certificate_hash: string
  readonly what: AuditedEntry['what']
  readonly fingerprints: readonly string[]
  readonly user_ids: readonly string[]
}

function describe({ index, day, certificateHash, what, certificate }: AuditedEntry): Described {
  const listings = certificate === undefined ? [] : list(certificate)
  return {
    index,
    day,
    certificate_hash: certificateHash,
    what,
    fingerprints: listings.map(({ fingerprint }) => fingerprint),
    user_ids: listings.flatMap(({ userIds }) => userIds.map(({ text }) => text)),
  }
}

function list(certificate: Buffer): ReturnType<typeof summarize>[] {
  const now = Math.floor(systemClock.now() / 1000)
  try {
    return readUpload(certificate, now).certificates.map((each) => summarize(each, now))
  } catch (error) {
    // What is logged is what was served, be it nonsense: that is for its owner to see, too.
    if (error instanceof OpenPgpError) return []
    throw error
  }
}

function print(
  { size, comparedWith, verifierKey, cosignatures }: AuditReport,
  entries: readonly Described[],
): string {
  const lines = entries.map((entry) => `${String(entry.index).padStart(9)}  ${entry.day}  ${told(entry)}`)
  const compared =
    comparedWith === undefined
      ? `Nothing is known of this log from before; compare its key with somebody else's: ${verifierKey}`
      : `The log has only grown since the last audit, when it had ${String(comparedWith)} entries.`
  const found =
    lines.length === 0
      ? ['Nothing was ever logged for this address.']
      : ['    entry  day (as told)  served from then on', ...lines]
  return [
    ...found,
    `All ${String(size)} entries of the log were verified, and nothing is served that is not in it.`,
    ...cosignatures.map(
      (each) =>
        `${each.witness} saw it with ${String(each.size)} entries on ${new Date(each.time * 1000).toISOString()}.`,
    ),
    compared,
  ].join('\n')
}

function told({ what, fingerprints, user_ids: userIds, certificate_hash: hash }: Described): string {
  if (what === 'withdrawn') return 'nothing: withdrawn, or before another certificate'
  if (what === 'erased') return `a certificate that is not kept any more, SHA-256 ${hash}`
  return [fingerprints.join(' ') || `unreadable, SHA-256 ${hash}`, ...userIds.map(printable)].join('  ')
}

/** User ids are anybody's words: nothing of them may move the cursor. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '\uFFFD')
}

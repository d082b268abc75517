/** Whether keys of messages may come to a disk unasked, and whether they go when they should, by what the relays tell of themselves. */
import { parseExposition, type Sample } from '../statistics/exposition.ts'
import type { MetricsSource } from '../statistics/sources.ts'
import type { Diagnosis } from './diagnosis.ts'

/** A key that was to be destroyed stays no longer than this on a disk that works. */
const PENDING_SECONDS_MAX = 10

/** By the name of a risk in the metric. */
const RISKS: Readonly<
  Record<string, { readonly good: string; readonly bad: string; readonly advice: string }>
> = {
  'core-dump': {
    good: 'core dumps would hold no memory',
    bad: 'core dumps would hold the keys of messages',
    advice:
      'Start the service by its own program, which prevents it, and let nothing write /proc/PID/coredump_filter.',
  },
  swap: {
    good: 'no memory with keys is written to swap',
    bad: 'memory with the keys of messages may be written to swap',
    advice:
      'Turn swap off (swapoff -a), encrypt it under a random key, use zram, or keep the service out of it (MemorySwapMax=0; in compose, memswap_limit as mem_limit).',
  },
  'copied-blocks': {
    good: 'keys are overwritten where they are',
    bad: 'the volume of the keyring keeps overwritten blocks for some time',
    advice:
      'Put KEYRING_DIR on ext4 or XFS, on a volume of its own of which no snapshots are made; see docs/privacy.md.',
  },
}

/** `sources`: some of them are those of the relays. */
export async function examineKeys(sources: readonly MetricsSource[]): Promise<readonly Diagnosis[]> {
  const texts = await Promise.all(sources.map((source) => source.read().catch(() => '')))
  const samples = texts.flatMap(parseExposition)
  const of = (name: string): Sample[] => samples.filter((sample) => sample.name === name)
  const risks = of('keyring_risk')
  if (risks.length === 0)
    return [
      {
        area: 'keys',
        verdict: 'unknown',
        found: 'the relays do not tell of their keyrings',
        advice: 'With four processes, give the API RELAY_URL and MAIL_URL, and see that the relays run.',
      },
    ]
  const byRisk = Map.groupBy(risks, ({ labels }) => labels['risk'] ?? '')
  return [
    ...[...byRisk].flatMap(([risk, found]) =>
      judgeRisk(
        risk,
        found.some(({ value }) => value === 1),
      ),
    ),
    judgePending(Math.max(0, ...of('shred_oldest_pending_seconds').map(({ value }) => value))),
    judgeAudits(of('self_audit_passed').map(({ value }) => value)),
  ]
}

function judgeRisk(name: string, isThere: boolean): readonly Diagnosis[] {
  const risk = RISKS[name]
  if (risk === undefined) return []
  if (!isThere) return [{ area: 'keys', verdict: 'ok', found: risk.good }]
  return [{ area: 'keys', verdict: 'wrong', found: risk.bad, advice: risk.advice }]
}

function judgePending(seconds: number): Diagnosis {
  if (seconds <= PENDING_SECONDS_MAX)
    return { area: 'keys', verdict: 'ok', found: 'keys that were to be destroyed are' }
  return {
    area: 'keys',
    verdict: 'wrong',
    found: `a key that was to be destroyed has been on disk for ${String(Math.round(seconds))} s since`,
    advice: 'Look at the volume of the keyring: it is full, or its disk fails.',
  }
}

function judgeAudits(passed: readonly number[]): Diagnosis {
  if (passed.length === 0)
    return {
      area: 'keys',
      verdict: 'advice',
      found: 'there was no self-audit yet',
      advice: 'Beside a Postgres of your own, name its files in SELF_AUDIT_DIRS; else wait an hour.',
    }
  if (passed.every((each) => each === 1))
    return { area: 'keys', verdict: 'ok', found: 'the last self-audits passed' }
  return {
    area: 'keys',
    verdict: 'wrong',
    found: 'a self-audit did not pass',
    advice: '`ctl self-audit show` says which and why; docs/privacy.md, what to do.',
  }
}

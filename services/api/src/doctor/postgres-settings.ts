/** Settings of Postgres on which promises of ours depend: what is acknowledged stays, and its log names nobody. */
import type { Diagnosis } from './diagnosis.ts'

interface Wanted {
  readonly isRight: (value: string) => boolean
  readonly as: string
  readonly verdict: 'wrong' | 'advice'
  readonly because: string
}

const is =
  (...values: readonly string[]) =>
  (value: string): boolean =>
    values.includes(value)

const LOSES = 'what was acknowledged can be lost'
const NAMES = 'its log can name people, or hold what they wrote'

const WANTED: Readonly<Record<string, Wanted>> = {
  server_version_num: {
    isRight: (value) => Number(value) >= 150_000,
    as: '15 or newer',
    verdict: 'wrong',
    because: 'older ones are not supported',
  },
  fsync: { isRight: is('on'), as: 'on', verdict: 'wrong', because: LOSES },
  full_page_writes: { isRight: is('on'), as: 'on', verdict: 'wrong', because: LOSES },
  synchronous_commit: {
    isRight: is('on', 'remote_write', 'remote_apply'),
    as: 'on',
    verdict: 'wrong',
    because: LOSES,
  },
  log_statement: { isRight: is('none'), as: 'none', verdict: 'wrong', because: NAMES },
  log_min_duration_statement: { isRight: is('-1'), as: '-1', verdict: 'wrong', because: NAMES },
  log_min_duration_sample: { isRight: is('-1'), as: '-1', verdict: 'wrong', because: NAMES },
  log_transaction_sample_rate: { isRight: is('0'), as: '0', verdict: 'wrong', because: NAMES },
  log_min_error_statement: { isRight: is('panic', 'fatal'), as: 'panic', verdict: 'wrong', because: NAMES },
  log_error_verbosity: { isRight: is('terse'), as: 'terse', verdict: 'wrong', because: NAMES },
  log_parameter_max_length_on_error: { isRight: is('0'), as: '0', verdict: 'wrong', because: NAMES },
  log_lock_waits: { isRight: is('off'), as: 'off', verdict: 'advice', because: NAMES },
  data_checksums: {
    isRight: is('on'),
    as: 'on (pg_checksums --enable, while it is stopped)',
    verdict: 'advice',
    because: 'a disk that fails is noticed late',
  },
}

export function examineSettings(settings: ReadonlyMap<string, string>): readonly Diagnosis[] {
  const found = Object.entries(WANTED).flatMap(([name, { isRight, as, verdict, because }]): Diagnosis[] => {
    const value = settings.get(name)
    if (value === undefined || isRight(value)) return []
    return [
      {
        area: 'postgres',
        verdict,
        found: `${name} is ${value}: ${because}`,
        advice: `Set ${name} to ${as}.`,
      },
    ]
  })
  if (found.length > 0) return found
  return [
    { area: 'postgres', verdict: 'ok', found: 'settings keep what is acknowledged, and no names in the log' },
  ]
}

/** The machine of this process: whether its clock is kept right, and what room there is. */
import { access, statfs } from 'node:fs/promises'
import type { Diagnosis } from './diagnosis.ts'

/** One of these is there when a program keeps the clock right, and has reached its servers at least once. */
const CLOCK_SIGNS = [
  '/run/systemd/timesync/synchronized',
  '/run/chrony/chronyd.pid',
  '/run/chronyd.pid',
  '/run/ntpd.pid',
  '/run/openntpd.pid',
]
const OFF_MS_MAX = 2_000

/** `databaseNow`: what Postgres says it is, in milliseconds since the epoch, asked just now. */
export async function examineClock(
  now: number,
  databaseNow: number,
  signs: readonly string[] = CLOCK_SIGNS,
): Promise<readonly Diagnosis[]> {
  const off = Math.abs(databaseNow - now)
  const beside: Diagnosis =
    off <= OFF_MS_MAX
      ? { area: 'clock', verdict: 'ok', found: 'this machine and Postgres have the same time' }
      : {
          area: 'clock',
          verdict: 'wrong',
          found: `this machine and Postgres are ${String(Math.round(off / 1000))} s apart`,
          advice: 'Keep both right by NTP: expiry, one-time passwords and signatures depend on it.',
        }
  const present = await Promise.all(signs.map(exists))
  if (present.includes(true))
    return [beside, { area: 'clock', verdict: 'ok', found: 'a program keeps the clock right' }]
  return [
    beside,
    {
      area: 'clock',
      verdict: 'unknown',
      found: 'no program was found that keeps the clock right',
      advice: 'Run systemd-timesyncd or chrony; in a container, on its host.',
    },
  ]
}

const FREE_ADVICE = 0.15
const FREE_WRONG = 0.05

/** `directories`: by what is in them. */
export async function examineDisk(
  directories: Readonly<Record<string, string>>,
): Promise<readonly Diagnosis[]> {
  return Promise.all(
    Object.entries(directories).map(async ([what, directory]): Promise<Diagnosis> => {
      const volume = await statfs(directory).catch(() => undefined)
      if (volume === undefined)
        return {
          area: 'disk',
          verdict: 'unknown',
          found: `the volume of ${what} cannot be looked at`,
          advice: 'If it is in another container or on another machine, look there.',
        }
      return judgeRoom(what, volume.bavail / volume.blocks, volume.files && volume.ffree / volume.files)
    }),
  )
}

/** Shares that are free; a file system without a fixed number of files says 0 of 0. */
export function judgeRoom(what: string, bytes: number, files: number): Diagnosis {
  const free = files === 0 ? bytes : Math.min(bytes, files)
  const kind = free < bytes ? ' (of its files; too many small ones)' : ''
  const found = `${String(Math.floor(free * 100))} % are free on the volume of ${what}${kind}`
  if (free >= FREE_ADVICE) return { area: 'disk', verdict: 'ok', found }
  return {
    area: 'disk',
    verdict: free < FREE_WRONG ? 'wrong' : 'advice',
    found,
    advice: 'Make room. What fills up last is refused: messages for devices that are away, then mail.',
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/**
 * Ways in which this machine may bring keys to a disk without being asked: a dump of the process, swap, a volume that leaves overwritten blocks where they were. As
 * Linux tells it; elsewhere nothing is known.
 */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import { overwritesInPlace } from './overwrites-in-place.ts'

export const KEY_RISKS = ['core-dump', 'swap', 'copied-blocks'] as const
export type KeyRisk = (typeof KEY_RISKS)[number]

/** What the log says of each. */
const EVENTS: Readonly<Record<KeyRisk, string>> = {
  'core-dump': 'keyring_memory_in_core_dumps',
  swap: 'keyring_memory_in_swap',
  'copied-blocks': 'keyring_volume_copies_on_write',
}

/** Bits of coredump_filter for the mappings that are the process' own (core(5)). */
const OWN_MEMORY = 0b11n

/** Of those that are known: whether there is the risk. `root`: of the file systems that Linux tells of itself in. */
export async function findKeyRisks(directory: string, root = '/'): Promise<ReadonlyMap<KeyRisk, boolean>> {
  const found = {
    'core-dump': await dumpsMemory(root),
    swap: await swaps(root),
    'copied-blocks': !(await overwritesInPlace(directory)),
  }
  return new Map(
    KEY_RISKS.flatMap((risk) => (found[risk] === undefined ? [] : [[risk, found[risk]] as const])),
  )
}

/** In the log those that there are, in the metrics all that are known. `keyring`: whose, a word. */
export async function reportKeyRisks(
  directory: string,
  { keyring, log, metrics }: { readonly keyring: string; readonly log: Log; readonly metrics: Metrics },
): Promise<void> {
  const gauge = metrics.gauge('keyring_risk', 'Whether keys may come to a disk unasked, by how', [
    'keyring',
    'risk',
  ])
  for (const [risk, isThere] of await findKeyRisks(directory)) {
    gauge.set(isThere ? 1 : 0, { keyring, risk })
    if (isThere) log.warn(EVENTS[risk])
  }
}

async function dumpsMemory(root: string): Promise<boolean | undefined> {
  const filter = await readText(join(root, 'proc/self/coredump_filter'))
  if (filter === undefined) return undefined
  return (BigInt(`0x${filter.trim()}`) & OWN_MEMORY) !== 0n
}

/** Compressed memory and encrypted devices are no disk; nor is there a risk where the process may not be swapped out. */
async function swaps(root: string): Promise<boolean | undefined> {
  const table = await readText(join(root, 'proc/swaps'))
  if (table === undefined) return undefined
  const [, ...lines] = table.trim().split('\n')
  const devices = lines.map((line) => line.split(/\s/)[0] ?? '')
  const plain = await Promise.all(devices.map((device) => isPlain(root, device)))
  return plain.includes(true) && !(await staysInMemory(root))
}

async function isPlain(root: string, device: string): Promise<boolean> {
  if (device.startsWith('/dev/zram')) return false
  const uuid = await readText(join(root, 'sys/block', basename(device), 'dm/uuid'))
  return uuid?.startsWith('CRYPT-') !== true
}

/** The limit of its control group. */
async function staysInMemory(root: string): Promise<boolean> {
  const groups = (await readText(join(root, 'proc/self/cgroup'))) ?? ''
  const own = /^0::(\S*)$/m.exec(groups)?.[1] ?? '/'
  const limit = await readText(join(root, 'sys/fs/cgroup', own, 'memory.swap.max'))
  return limit?.trim() === '0'
}

/** Undefined: not there. */
async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

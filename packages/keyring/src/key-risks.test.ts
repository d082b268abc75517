import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { expect, onTestFinished, test } from 'vitest'
import { findKeyRisks, reportKeyRisks } from './key-risks.ts'

const NO_SWAP = 'Filename Type Size Used Priority\n'
const QUIET = { 'proc/self/coredump_filter': '00000000\n', 'proc/swaps': NO_SWAP }

/** What Linux would tell of a machine. */
async function machine(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'key-risks-'))
  onTestFinished(() => rm(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return root
}

async function risks(files: Readonly<Record<string, string>>): Promise<string[]> {
  const found = await findKeyRisks(tmpdir(), await machine({ ...QUIET, ...files }))
  return [...found].filter(([, isThere]) => isThere).map(([risk]) => risk)
}

const swap = (device: string) => `${NO_SWAP}${device} partition 8388604 0 -2\n`

test.each([
  ['nothing', {}, []],
  ['dumps with memory', { 'proc/self/coredump_filter': '00000033\n' }, ['core-dump']],
  ['swap', { 'proc/swaps': swap('/dev/sda2') }, ['swap']],
  ['compressed memory', { 'proc/swaps': swap('/dev/zram0') }, []],
  ['an encrypted device', { 'proc/swaps': swap('/dev/dm-1'), 'sys/block/dm-1/dm/uuid': 'CRYPT-LUKS2-x' }, []],
  ['a logical volume', { 'proc/swaps': swap('/dev/dm-1'), 'sys/block/dm-1/dm/uuid': 'LVM-x' }, ['swap']],
  [
    'a control group that is not swapped',
    {
      'proc/swaps': swap('/dev/sda2'),
      'proc/self/cgroup': '0::/system.slice/sealpost.service\n',
      'sys/fs/cgroup/system.slice/sealpost.service/memory.swap.max': '0\n',
    },
    [],
  ],
] as [string, Record<string, string>, string[]][])('%s', async (_what, files, found) => {
  expect(await risks(files)).toEqual(found)
})

test('where Linux tells nothing, only the volume is known', async () => {
  expect([...(await findKeyRisks(tmpdir(), await machine({}))).keys()]).toEqual(['copied-blocks'])
})

test('metrics have what is known of this machine', async () => {
  const metrics = createMetrics()
  await reportKeyRisks(tmpdir(), { keyring: 'xmpp', log: createLog({ level: 'silent' }), metrics })
  expect(await metrics.render()).toMatch(/keyring_risk\{keyring="xmpp",risk="copied-blocks"\} [01]/)
})

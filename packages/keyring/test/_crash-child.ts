/** Seals and shreds as fast as it can and tells on stdout what is safe, until it is killed. Argument: the keyring's directory. */
import { writeSync } from 'node:fs'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { openKeyring } from '../src/index.ts'

const ACCOUNT = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'
const STDOUT = 1

const keyring = await openKeyring({
  mode: 'file',
  directory: process.argv[2] ?? '',
  instanceId: '11111111-1111-4111-8111-111111111111',
  lastSeen: undefined,
  rowsExist: false,
  random: systemRandom,
  clock: systemClock,
})

let live: string[] = []
for (let round = 0; ; round++) {
  const lines: string[] = []
  for (let index = 0; index < 20; index++) {
    const queue = keyring.queue(ACCOUNT, systemRandom.uuid())
    const { id, blob } = keyring.seal(queue, 1, Buffer.from(`text of ${String(round)}`), 1, 'message')
    lines.push(`sealed ${id} ${queue.handle} ${String(round)} ${blob.toString('base64')}`)
    live.push(id)
  }
  const half = live.filter(() => systemRandom.bytes(1).readUInt8() < 128)
  live = live.filter((id) => !half.includes(id))
  // Told before it is done: from here on the parent expects either state.
  writeSync(STDOUT, half.map((id) => `shredding ${id}\n`).join(''))
  keyring.shred(half)
  lines.push(...half.map((id) => `shredded ${id}`))
  await keyring.synced()
  writeSync(STDOUT, `${lines.join('\n')}\n`)
}

/** R3: `kill -9` at random moments of live, offline, drain, resume and expiry traffic. KILLS says how many, SEED which (docs/faults.md). */
import { expect, test } from 'vitest'
import { Campaign, DEVICES, PHASES } from './campaign.ts'
import { NOTHING_KEPT, NOTHING_WRONG, Scene } from './scene.ts'

const KILLS = Number(process.env['KILLS'] ?? 10)

test(
  `R3: killed at ${KILLS} random moments: nothing that was called safe is lost, nothing comes after it is due`,
  { timeout: 300_000 + KILLS * 30_000 },
  async () => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32))
    await using scene = await Scene.set(DEVICES)
    await using campaign = new Campaign(scene, seed)
    await campaign.register()
    for (let kill = 0; kill < KILLS; kill++) await campaign.round(PHASES[kill % PHASES.length] ?? 'live')
    await campaign.settle()
    const findings = scene.people.ledger.findings()
    const { killed, surprises } = campaign
    process.stdout.write(`R3: seed ${seed}: ${JSON.stringify({ killed, ...findings })}\n`)
    expect({ surprises, ...findings }, `seed ${seed}`).toMatchObject({
      surprises: [],
      ...NOTHING_WRONG,
      refused: [],
    })
    await expect.poll(() => scene.kept()).toEqual(NOTHING_KEPT)
  },
)

/** The times the project promises: ready within 20 s, 10,000 accounts within two minutes, on two cores. Printed, so that a slow creep is seen. */
import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { Sealpost } from './sealpost.ts'
import { Device, DOMAIN, trust } from './xmpp-js.ts'

const ACCOUNTS = 10_000

test('start to ready under 20 s, cold and warm; clean stop under 10 s', async () => {
  const sealpost = await Sealpost.start()
  onTestFinished(() => sealpost[Symbol.asyncDispose]())
  const cold = sealpost.readyMs
  const began = performance.now()
  expect(await sealpost.stop()).toBe(0)
  const stopped = performance.now() - began
  await sealpost.restart()
  process.stdout.write(
    `ready: ${seconds(cold)} on an empty directory, ${seconds(sealpost.readyMs)} on a used one; stopped in ${seconds(stopped)}\n`,
  )
  expect(Math.max(cold, sealpost.readyMs)).toBeLessThan(20_000)
  expect(stopped).toBeLessThan(10_000)
})

test('10,000 accounts imported under two minutes, and the last of them can sign in', async () => {
  const sealpost = await Sealpost.start()
  onTestFinished(() => sealpost[Symbol.asyncDispose]())
  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => ({
    username: `import${index}`,
    password: randomBytes(12).toString('hex'),
  }))
  const began = performance.now()
  await sealpost.importAccounts(accounts)
  const ms = performance.now() - began
  process.stdout.write(`imported ${ACCOUNTS} accounts in ${seconds(ms)}\n`)
  expect(ms).toBeLessThan(120_000)
  await trust(sealpost.caFile)
  const last = accounts.at(-1) ?? { username: '', password: '' }
  const device = await Device.online({
    ...last,
    jid: `${last.username}@${DOMAIN}`,
    resource: 'phone',
    service: `xmpp://127.0.0.1:${sealpost.port}`,
  })
  await device.ping()
  await device.leave()
})

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

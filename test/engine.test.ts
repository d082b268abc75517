import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createSocket, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hasEngine } from './containers/engine.ts'

test('an engine for containers is found by its answer, and none at once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'engine-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const socket = join(directory, 'docker.sock')
  expect(await hasEngine({ XDG_RUNTIME_DIR: directory, DOCKER_HOST: `unix://${socket}` })).toBe(false)
  const engine = createServer((asked, answer) => {
    answer.statusCode = asked.url === '/_ping' ? 200 : 404
    answer.end('OK')
  })
  await once(engine.listen(socket), 'listening')
  onTestFinished(() => void engine.close())
  const patienceMs = 20_000
  expect(await hasEngine({ DOCKER_HOST: `unix://${socket}` }, patienceMs)).toBe(true)
  expect(await hasEngine({ XDG_RUNTIME_DIR: directory }, patienceMs)).toBe(true)
  expect(await hasEngine({ DOCKER_HOST: 'ssh://docker.example' })).toBe(false)

  const mute = createSocket()
  await once(mute.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void mute.close())
  const { port } = mute.address() as AddressInfo
  const before = performance.now()
  expect(await hasEngine({ DOCKER_HOST: `tcp://127.0.0.1:${String(port)}` })).toBe(false)
  expect(performance.now() - before).toBeLessThan(15_000)
})

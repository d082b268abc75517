/** Global setup of the project `nats`: the end-to-end suites as four processes whose events go over Debian's NATS. */
import type { TestProject } from 'vitest/node'
import { startNats } from './nats.ts'
import { needPeers } from './programs.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await needPeers()
  const nats = await startNats()
  project.provide('elsewhere', { env: { EVENT_BUS: nats.url.href, NATS_TOKEN: nats.token } })
  return async () => nats[Symbol.asyncDispose]()
}

/** Global setup of the project `stack`. */
import type { TestProject } from 'vitest/node'
import { needPeers } from '../interop/programs.ts'

export default async function setup(project: TestProject): Promise<void> {
  await needPeers()
  project.provide('elsewhere', 'stack')
}

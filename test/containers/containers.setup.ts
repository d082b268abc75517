/** Global setup of the project `containers`: docker-compose.yml by an engine; where none answers, its suites are skipped, and their names say so. */
import type { TestProject } from 'vitest/node'
import { hasEngine } from './engine.ts'

export default async function setup(project: TestProject): Promise<void> {
  project.provide('elsewhere', (await hasEngine(process.env)) ? 'containers' : 'no-engine')
}

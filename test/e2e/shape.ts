/**
 * The end-to-end suites run in both shapes: everything in one process, and one process for each service; without WHOLE=1 in the second alone. Of the interop tests, `stack` runs
 * them as docker-compose.yml has it, through the edge, `containers` the same by an engine, and `nats` as four processes over NATS.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject } from 'vitest'
import { Deployment, SHAPES } from '@sealpost/dev-env'
import type { DeploymentOptions, Shape } from '@sealpost/dev-env'
import { createTestDatabase } from '../database.ts'
import { isWhole } from '../long-test.ts'
import { namedInLog } from '../named-in-log.ts'
import { Stack, type Running } from '../stack/stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the suites run besides their two shapes. */
    elsewhere?: 'stack' | 'containers' | 'no-engine' | { readonly env: Readonly<Record<string, string>> }
  }
}

export interface ShapeOptions extends Pick<DeploymentOptions, 'domains' | 'env'> {
  /** Takes minutes: with WHOLE=1 only, and elsewhere. */
  readonly long?: boolean
}

/** All-in-one brings its own embedded Postgres; four processes get a database of the run's. Disposing leaves nothing behind, and fails when the log names anybody. */
export async function deploy(
  shape: Shape,
  options: ShapeOptions = {},
): Promise<{ deployment: Deployment } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'sealpost-e2e-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const database = shape === 'all-in-one' ? undefined : stack.use(await createTestDatabase())
  const url = database === undefined ? {} : { databaseUrl: database.url }
  const deployment = stack.use(await Deployment.start({ shape, dataDir, ...url, ...options }))
  const held = stack.move()
  return {
    deployment,
    [Symbol.asyncDispose]: async () => {
      await held.disposeAsync()
      expect(namedInLog(deployment.output)).toEqual([])
    },
  }
}

const elsewhere = inject('elsewhere')
const isHere = elsewhere === undefined

async function deployHere(
  which: Shape,
  options: ShapeOptions,
): Promise<{ deployment: Running } & AsyncDisposable> {
  if (typeof elsewhere !== 'string')
    return deploy(which, { ...options, env: { ...options.env, ...elsewhere?.env } })
  const stack = await startWhole(options)
  return {
    deployment: stack,
    [Symbol.asyncDispose]: async () => {
      await stack[Symbol.asyncDispose]()
      expect(namedInLog(stack.output)).toEqual([])
    },
  }
}

/** What an engine needs is loaded where there is one. */
async function startWhole(options: ShapeOptions): Promise<Running> {
  if (elsewhere !== 'containers') return Stack.start(options)
  const { Containers } = await import('../containers/containers.ts')
  return Containers.start(options)
}

export const shape = {
  /** One deployment of a shape for the whole suite; `deployment()` gives it inside of tests and hooks. */
  describe(
    name: string,
    define: (deployment: () => Running, shape: Shape) => void,
    options: ShapeOptions = {},
  ): void {
    const isWanting = elsewhere === 'no-engine'
    const suite = describe.skipIf(isWanting || (options.long === true && isHere && !isWhole))
    const title = `${name} (%s)${isWanting ? ' in containers (skipped: no engine answers here)' : ''}`
    suite.each(isHere && isWhole ? SHAPES : (['four-processes'] as const))(title, (which) => {
      let running: Awaited<ReturnType<typeof deployHere>> | undefined
      beforeAll(async () => {
        running = await deployHere(which, options)
      })
      afterAll(() => running?.[Symbol.asyncDispose]())
      define(() => {
        if (running === undefined) throw new Error('The deployment is there in tests and hooks only')
        return running.deployment
      }, which)
    })
  },
}

/** The first minutes with docker-compose.yml, by an engine. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { namedInLog } from '../named-in-log.ts'
import { beginAsNewcomer } from '../stack/newcomer.ts'
import type { Containers } from './containers.ts'

const hasEngine = inject('elsewhere') === 'containers'

describe.skipIf(!hasEngine)(
  `docker-compose.yml in containers${hasEngine ? '' : ' (skipped: no engine answers here)'}`,
  () => {
    let containers: Containers
    beforeAll(async () => {
      const own = await import('./containers.ts')
      containers = await own.Containers.start()
    }, 1_800_000)
    afterAll(async () => {
      await containers[Symbol.asyncDispose]()
      expect(namedInLog(containers.output)).toEqual([])
    })

    test('a link, what DNS needs, two accounts, and a message that arrives after a kill', () =>
      beginAsNewcomer(containers))
  },
)

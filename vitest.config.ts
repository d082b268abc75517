import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes half a minute and more. */
const LONG = [
  'test/e2e/start.test.ts',
  'test/forensic/forensic.test.ts',
  'test/e2e/accounts.test.ts',
  'test/e2e/chat.test.ts',
  'services/xmpp/test/restart.scenario.ts',
  'services/xmpp/test/delivery.scenario.ts',
  'services/xmpp/src/delivery/sealed-store/crash.test.ts',
  'scripts/migrate.test.ts',
]

/** Begun last, it would keep one core busy while the others have nothing left. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const rank = LONG.findIndex((name) => moduleId.endsWith(name))
      return rank === -1 ? LONG.length : rank
    }
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b))
  }
}

/**
 * `unit` is fast, `scenario` talks to real services, `sim` is the relay in a world of chance: these share the machine. So do after them the files of `e2e`, which
 * runs the whole, with WHOLE=1 in both shapes, and often waits for processes to start, and of `forensic`, which looks at disks and memory. What follows has it to itself, one file after another: `alone` measures times and memory,
 * `faults` kills and starves what the relay stands on. One embedded Postgres serves them all.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    maxWorkers: availableParallelism() + 1, // a third of the time they wait: for processes to start, for Postgres, for what takes its time
    testTimeout: 60_000,
    hookTimeout: 60_000,
    sequence: { sequencer: LongFirst },
    expect: { poll: { timeout: 30_000 } }, // what is to happen soon, on a slow machine as well; how soon is another test's
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          isolate: false, // they keep nothing in modules, and a third of the time would go to loading these for each file
          include: [
            'packages/**/*.test.ts',
            'services/**/*.test.ts',
            'scripts/**/*.test.ts',
            'bench/*.test.ts',
            'test/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        test: { name: 'scenario', isolate: false, include: ['services/*/test/**/*.scenario.ts'] }, // as above
      },
      { extends: true, test: { name: 'sim', include: ['test/sim/*.sim.ts'] } },
      {
        extends: true,
        test: { name: 'alone', include: ['services/*/test/**/*.alone.ts'], fileParallelism: false },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: ['test/faults/*.fault.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'forensic',
          include: ['test/forensic/*.test.ts'],
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/*.test.ts'],
          sequence: { groupOrder: 1 },
          testTimeout: 150_000, // a slow machine takes ten seconds to start a server, and two for a command
          hookTimeout: 300_000,
        },
      },
    ],
  },
})

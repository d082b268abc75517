import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Unit tests with properties, each for a time: `npm run fuzz` says which, and for how long. */
export default defineConfig({
  test: {
    include: ['packages/**/*.test.ts', 'services/**/*.test.ts', 'scripts/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/fuzz/time-boxed.ts'],
    maxWorkers: availableParallelism(),
    isolate: false,
    testTimeout: 60_000,
  },
})

import { defineConfig } from 'vitest/config'

/**
 * Real programs against a real server: `npm run test:interop`. `-- --project core` is the part that CI runs, `-- --project scale` takes the times
 * that the project promises. One file at a time: each starts a server of its own.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/interop/programs.ts', 'test/global-setup.ts'],
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 90_000,
    projects: [
      { extends: true, test: { name: 'core', include: ['test/interop/*.test.ts'] } },
      { extends: true, test: { name: 'scale', include: ['test/interop/*.scale.ts'], testTimeout: 200_000 } },
    ],
  },
})

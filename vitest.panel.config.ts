import { defineConfig } from 'vitest/config'

/** The panel in a real browser, on a whole server: `npm run test:panel`. One file at a time: each starts a server of its own. */
export default defineConfig({
  test: {
    name: 'panel',
    include: ['test/panel/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000 } },
  },
})

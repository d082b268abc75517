import { defineConfig } from 'vitest/config'

/** What CI runs: one client of each kind, chat and mail, in and out. */
const CORE = ['go-sendxmpp', 'gpg', 'mail-clients', 'profanity', 'xmpp-js-sasl2'].map(
  (name) => `test/interop/${name}.test.ts`,
)

/**
 * Real programs against a real server: `npm run test:interop`. `-- --project core` is the part that CI runs, `peers` all others, `scale` takes the times
 * that the project promises. One file at a time: each starts a server of its own.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 90_000,
    projects: [
      { extends: true, test: { name: 'core', include: CORE, globalSetup: ['test/interop/core.setup.ts'] } },
      {
        extends: true,
        test: {
          name: 'peers',
          include: ['test/interop/*.test.ts'],
          exclude: CORE,
          globalSetup: ['test/interop/peers.setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'scale',
          include: ['test/interop/*.scale.ts'],
          globalSetup: ['test/interop/core.setup.ts'],
          testTimeout: 200_000,
        },
      },
    ],
  },
})

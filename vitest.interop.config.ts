import { defineConfig } from 'vitest/config'

/** What CI runs: one client of each kind, chat and mail, in and out. */
const CORE = ['go-sendxmpp', 'gpg', 'mail-clients', 'profanity', 'xmpp-js-sasl2'].map(
  (name) => `test/interop/${name}.test.ts`,
)

/** What runs whole deployments, in whatever shape. */
const WHOLE = ['accounts', 'chat', 'devices', 'domains', 'faults', 'life', 'own-data'].map(
  (name) => `test/e2e/${name}.test.ts`,
)

/**
 * Real programs against a real server: `npm run test:interop`. `-- --project core` is the part that CI runs, `peers` all others, `stack` is docker-compose.yml without an engine, `containers` by
 * one, where one answers, `nats` four processes over NATS, `scale` takes the times
 * that the project promises. One file at a time: each starts a server of its own.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 30_000 } },
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
          name: 'stack',
          include: ['test/stack/*.test.ts', ...WHOLE],
          globalSetup: ['test/stack/stack.setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'containers',
          isolate: false, // where no engine answers there is nothing but loading
          include: ['test/containers/*.test.ts', ...WHOLE],
          globalSetup: ['test/containers/containers.setup.ts'],
          hookTimeout: 1_800_000,
        },
      },
      {
        extends: true,
        test: { name: 'nats', include: WHOLE, globalSetup: ['test/interop/nats.setup.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'scale',
          include: ['test/interop/*.scale.ts'],
          globalSetup: ['test/interop/core.setup.ts'],
        },
      },
    ],
  },
})

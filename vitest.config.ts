import { defineConfig } from 'vitest/config';

/**
 * Two projects: `main` needs nothing but `npm ci`; `e2e` drives a real Chromium (see CONTRIBUTING.md).
 * Tests open real sockets and databases, so they run in processes of their own, two at a time.
 */
export default defineConfig({
  test: {
    environment: 'node',
    globalSetup: ['test/support/postgres-server.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    projects: [
      {
        extends: true,
        test: { name: 'main', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'] },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 90_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

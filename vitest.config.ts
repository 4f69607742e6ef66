import { defineConfig } from 'vitest/config';

/** Fast tests only; the suites against real programs have their own configurations in test/compat and test/stress. */
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/compat/**', 'test/stress/**', 'test/servers/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});

import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

/** Three tiers by file name: *.test.ts needs nothing, *.vm.test.ts boots a guest, *.e2e.test.ts opens a browser. */
export default defineConfig({
  test: {
    projects: [
      {
        plugins: [vue()],
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['**/*.vm.test.ts', '**/*.e2e.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'vm',
          include: ['src/**/*.vm.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['src/**/*.e2e.test.ts', 'scripts/**/*.e2e.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          // A browser beside a guest on two cores is slow to answer; what is polled for comes, or the test fails.
          expect: { poll: { timeout: 20_000 } },
        },
      },
    ],
  },
})

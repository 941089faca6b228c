import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

/** Four tiers by file name: *.test.ts needs nothing, *.oracle.test.ts asks the kernel's own source, *.vm.test.ts boots a guest, *.e2e.test.ts opens a browser. */
export default defineConfig({
  test: {
    projects: [
      {
        plugins: [vue()],
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['**/*.{oracle,vm,e2e}.test.ts'],
          setupFiles: ['scripts/lib/property-seed.ts'],
          // A bound against hangs: on a machine with other work a test of two seconds has taken half a minute.
          testTimeout: 120_000,
          // Files share their imports: pure code, whose tests leave nothing behind, and half of the time is importing.
          isolate: false,
          // Every processor: vitest leaves one to its own thread, which is half of two.
          maxWorkers: '100%',
        },
      },
      { test: { name: 'oracle', include: ['src/**/*.oracle.test.ts'] } },
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

import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'electron-vite'
import { events, requests } from './src/shared/contract.ts'

/** The preload knows nothing but these names: it is generated from the contract's keys, and changes with them. */
const contractNames = {
  REQUEST_NAMES: JSON.stringify(Object.keys(requests)),
  EVENT_NAMES: JSON.stringify(Object.keys(events)),
}

/** How long plugins took is nothing for somebody who starts the lab for the first time. */
const checks = { bundlerTimings: false }

export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      rolldownOptions: {
        checks,
        input: { index: 'src/main/index.ts', 'simulate-worker': 'src/lab/simulate/worker.ts' },
        // As in the command's bundle, so that the worker is found beside the code that starts it.
        output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  },
  preload: {
    define: contractNames,
    build: {
      outDir: 'out/preload',
      // A sandboxed preload cannot be an ES module.
      rolldownOptions: {
        checks,
        input: { index: 'src/preload/index.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src/renderer',
    base: './',
    plugins: [vue()],
    build: {
      outDir: 'out/renderer',
      minify: true,
      // The page comes from this machine, not over a network: one chunk with xterm and Vue in it is as well.
      chunkSizeWarningLimit: 1500,
      modulePreload: { polyfill: false },
      rolldownOptions: { checks, input: { index: 'src/renderer/index.html' } },
    },
  },
})

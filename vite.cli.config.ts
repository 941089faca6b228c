import { defineConfig } from 'vite'

/** The installed command: src/cli bundled for Node, one file per command so that help starts at once. Packages stay outside. */
export default defineConfig({
  build: {
    ssr: true,
    target: 'node22',
    outDir: 'out/cli',
    emptyOutDir: true,
    minify: false,
    rolldownOptions: {
      input: { 'kho-lab': 'src/cli/main.ts', 'simulate-worker': 'src/lab/simulate/worker.ts' },
      output: { format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
    },
  },
})

#!/usr/bin/env node
import { runCli } from './program.ts'
import { processTerminal } from './terminal.ts'
import manifest from '../../package.json' with { type: 'json' }

// A reader that went away (`kho-lab ... | head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
  throw error
})

process.exitCode = await runCli(process.argv.slice(2), processTerminal(), manifest.version)

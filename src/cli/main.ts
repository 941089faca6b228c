#!/usr/bin/env node
import { runCli } from './program.ts'
import { systemWords } from '../lab/read-file.ts'
import { processTerminal } from './terminal.ts'
import { EXIT } from './exit-code.ts'
import manifest from '../../package.json' with { type: 'json' }

// An installed command runs on whatever Node its user has. Promise.withResolvers() came with Node 22.
if (!('withResolvers' in Promise)) {
  process.stderr.write(`kho-lab: Node ${process.versions.node} is too old\n  Node 22.12 or newer is needed.\n`)
  process.exit(EXIT.incomplete)
}

// A reader that went away (`kho-lab ... | head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
  process.stderr.write(`kho-lab: cannot write to stdout: ${systemWords(error)}\n  What is there of it is not all.\n`)
  process.exit(EXIT.incomplete)
})

process.exitCode = await runCli(process.argv.slice(2), processTerminal(), manifest.version)

#!/usr/bin/env node
import { runCli } from './program.ts'
import { processTerminal } from './terminal.ts'
import { EXIT } from './exit-code.ts'
import manifest from '../../package.json' with { type: 'json' }

// An installed command runs on whatever Node its user has. Promise.withResolvers() came with Node 22.
if (!('withResolvers' in Promise)) {
  process.stderr.write(`kho-lab: Node ${process.versions.node} is too old\n  Node 22.12 or newer is needed.\n`)
  process.exit(EXIT.incomplete)
}

process.exitCode = await runCli(process.argv.slice(2), processTerminal(), manifest.version)

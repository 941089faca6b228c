/** Entry of the stand-in: `boot.ts APP [arguments]`. Loads the app's main module with `electron` resolved to the stand-in's own. */
import { readFileSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { startChromium } from './chromium.ts'
import { app, attachChromium, becomeReady } from './electron.ts'
import { STANDIN_VERSION } from './label.ts'

const target = path.resolve(process.argv[2] ?? '.')
const isFolder = statSync(target).isDirectory()
const description = JSON.parse(readFileSync(path.join(isFolder ? target : path.dirname(target), 'package.json'), 'utf8')) as {
  name?: string
  version?: string
  main?: string
}
const mainFile = isFolder ? path.join(target, description.main ?? 'index.js') : target

process.stderr.write(`electron stand-in ${STANDIN_VERSION}: Node ${process.versions.node} runs ${mainFile}, Chromium renders\n`)
Object.defineProperty(process.versions, 'electron', { value: STANDIN_VERSION, enumerable: true })
Object.defineProperty(process, 'type', { value: 'browser' })
app.describe({ name: description.name ?? 'app', version: description.version ?? '0.0.0', path: path.dirname(mainFile) })

const electronUrl = new URL('./electron.ts', import.meta.url).href
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' || specifier === 'electron/main'
      ? { url: electronUrl, format: 'module-typescript', shortCircuit: true }
      : next(specifier, context),
})

// A debugger (Playwright) holds 'ready' back until it has looked around.
const inspected = process.execArgv.some((argument) => argument.startsWith('--inspect'))
const released = Promise.withResolvers<undefined>()
Object.assign(globalThis, { __playwright_run: () => released.resolve(undefined) })
if (!inspected) released.resolve(undefined)

attachChromium(await startChromium())
await import(pathToFileURL(mainFile).href)
await released.promise
becomeReady()

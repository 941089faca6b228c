import { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { preventable } from './web-contents.ts'

interface Description {
  readonly name: string
  readonly version: string
  readonly path: string
}

/** Closes all windows; false when one of them refused. */
type CloseAll = () => boolean

export class App extends EventEmitter {
  readonly isPackaged = false
  readonly commandLine = { appendSwitch: (): void => undefined, hasSwitch: (): boolean => false }
  closeAllWindows: CloseAll = () => true
  isQuitting = false
  #description: Description = { name: 'app', version: '0.0.0', path: process.cwd() }
  #ready = Promise.withResolvers<undefined>()
  #isReady = false

  describe(description: Description): void {
    this.#description = description
  }

  markReady(): void {
    this.#isReady = true
    this.#ready.resolve(undefined)
    this.emit('ready', {}, {})
  }

  whenReady(): Promise<undefined> {
    return this.#ready.promise
  }

  isReady(): boolean {
    return this.#isReady
  }

  getName(): string {
    return `${this.#description.name} (Electron stand-in)`
  }

  getVersion(): string {
    return this.#description.version
  }

  getAppPath(): string {
    return this.#description.path
  }

  getPath(name: string): string {
    if (name === 'home') return homedir()
    if (name === 'temp') return tmpdir()
    const config = process.env['XDG_CONFIG_HOME'] ?? path.join(homedir(), '.config')
    return path.join(config, `${this.#description.name}-standin`, name === 'userData' ? '' : name)
  }

  /** True for the first process with this userData; the first is told of the others. */
  requestSingleInstanceLock(): boolean {
    const folder = this.getPath('userData')
    const lock = path.join(folder, 'SingletonLock')
    const knock = path.join(folder, 'SingletonKnock')
    mkdirSync(folder, { recursive: true })
    if (existsSync(lock) && isAlive(Number(readFileSync(lock, 'utf8')))) {
      writeFileSync(knock, String(process.pid))
      return false
    }
    writeFileSync(lock, String(process.pid))
    process.on('exit', () => rmSync(lock, { force: true }))
    watch(folder, (_kind, file) => {
      if (file !== 'SingletonKnock' || !existsSync(knock)) return
      rmSync(knock, { force: true })
      this.emit('second-instance', {}, [], '')
    }).unref()
    return true
  }

  /** Electron's order: before-quit, the windows, will-quit, quit. Any of the first three may be prevented. */
  quit(): void {
    const before = preventable({})
    this.emit('before-quit', before)
    if (before.defaultPrevented) return
    this.isQuitting = true
    if (!this.closeAllWindows()) {
      this.isQuitting = false
      return
    }
    const will = preventable({})
    this.emit('will-quit', will)
    if (will.defaultPrevented) {
      this.isQuitting = false
      return
    }
    this.emit('quit', {}, 0)
    process.exit(0)
  }

  exit(code = 0): void {
    process.exit(code)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

import { EventEmitter } from 'node:events'

interface NotificationOptions {
  readonly title?: string
  readonly body?: string
}

/** Shown to nobody: what the app has shown is kept, for a test to read. */
export class Notification extends EventEmitter {
  static readonly shown: Notification[] = []
  static isSupported(): boolean {
    return true
  }
  readonly title: string
  readonly body: string

  constructor({ title = '', body = '' }: NotificationOptions = {}) {
    super()
    this.title = title
    this.body = body
  }

  show(): void {
    Notification.shown.push(this)
    this.emit('show')
  }
}

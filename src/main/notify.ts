import { Notification } from 'electron'
import type { Desk } from '../lab/desk.ts'
import { noticeOf, type Notice } from '../shared/notice.ts'
import { Settings } from '../shared/settings-contract.ts'
import { complain } from './complain.ts'

/** Tells the desktop what ends, where that was chosen; a click on it opens the window. */
export function notifyOfEnds(desk: Desk, open: () => void): void {
  desk.subscribe((name, payload) => {
    const notice = noticeOf(name, payload)
    if (notice) tell(desk, notice, open).catch((error: unknown) => complain('the desktop was not notified', error))
  })
}

export async function tell(desk: Desk, notice: Notice, open: () => void): Promise<void> {
  const settings = Settings.parse(await desk.handle('lab:settings', {}))
  if (!settings.notify || !Notification.isSupported()) return
  const notification = new Notification(notice)
  notification.on('click', open)
  notification.show()
}

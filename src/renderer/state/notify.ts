import { noticeOf } from '../../shared/notice.ts'
import type { Lab } from './lab.ts'

const EVENTS = ['run:event', 'study:event', 'image:ended'] as const

/** In a browser the page tells the desktop what ends; the desktop app does that itself, also without a window. */
export function notifyOfEnds(lab: Lab): void {
  for (const name of EVENTS)
    lab.client.on(name, (payload) => {
      if (lab.settings.value?.notify !== true || lab.info.value?.host !== 'browser' || Notification.permission !== 'granted')
        return
      const notice = noticeOf(name, payload)
      if (notice) new Notification(notice.title, { body: notice.body })
    })
}

/** Turns it on or off. A browser asks its user; one that refuses leaves it off, and says so. */
export async function chooseNotify(lab: Lab, on: boolean): Promise<string | undefined> {
  const browser = lab.info.value?.host === 'browser'
  if (on && browser && (await Notification.requestPermission()) !== 'granted')
    return 'The browser does not let this page notify. Allow it in the settings of the site, and try again.'
  await lab.setNotify(on)
  return undefined
}

import type { Desk } from '../lab/desk.ts'
import { complain } from './complain.ts'
import { tell } from './notify.ts'

const LOOK_MS = 500

export interface Background {
  readonly desk: Desk
  /** Opens the window again. */
  readonly open: () => void
  /** True once there is a window again. */
  readonly isOpen: () => boolean
  readonly quit: () => void
}

/**
 * What becomes of the app when its window is closed: while a run, a study or a build goes on it stays, and a second start opens the window
 * again; when nothing goes on any more it ends.
 */
export function stayWhileWorking({ desk, open, isOpen, quit }: Background): void {
  if (!desk.working()) {
    quit()
    return
  }
  process.stderr.write('kho-lab: the window is closed, what was started goes on. Start kho-lab again to see it.\n')
  tell(desk, { title: 'kho-lab goes on', body: 'What was started goes on. Start kho-lab again to see it.' }, open).catch(
    (error: unknown) => complain('the desktop was not notified', error),
  )
  const timer = setInterval(() => {
    if (!isOpen() && desk.working()) return
    clearInterval(timer)
    if (!isOpen()) quit()
  }, LOOK_MS)
}

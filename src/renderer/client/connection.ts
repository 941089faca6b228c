import type { Ref } from 'vue'
import type { LabClient } from '../../shared/contract.ts'

export type LinkState = 'connecting' | 'connected' | 'lost'

/** The lab behind the page, whichever host carries it. */
export interface Connection {
  readonly client: LabClient
  readonly link: Readonly<Ref<LinkState>>
  /** Told each time after the link came back: what happened meanwhile must be asked for again. */
  onReturn(listener: () => void): void
}

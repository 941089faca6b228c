import type { LabClient } from '../shared/contract.ts'

declare global {
  interface Window {
    /** Put there by the preload; absent in a browser. */
    readonly lab?: LabClient
  }
}

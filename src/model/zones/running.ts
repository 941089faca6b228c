import type { BootInput } from '../boot/input.ts'
import type { BootedMemory } from '../boot/schedule.ts'
import { zonePages, type ZonePages } from './pages.ts'

/** The memory of a kernel that runs, and how it came to it. */
export interface RunningMemory {
  readonly input: BootInput
  readonly booted: BootedMemory
  readonly zones: readonly ZonePages[]
}

export const runningMemory = (booted: BootedMemory, input: BootInput): RunningMemory => ({
  input,
  booted,
  zones: zonePages(booted, input),
})

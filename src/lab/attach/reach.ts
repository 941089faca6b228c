import { findQemus, qemuOfPid, type FoundQemu } from '../../guest/attach/discover.ts'
import { addressText, ReadingMonitor, type MonitorAddress } from '../../guest/attach/monitor.ts'
import { layoutByArguments, layoutByMonitor } from '../../guest/attach/ram-layout.ts'
import type { RamBlock } from '../../guest/observe/mtree.ts'
import { ramSpans } from '../../model/firmware-map.ts'
import { LabError, toLabError } from '../../shared/result.ts'

export interface Reached {
  /** Undefined for a monitor whose process is not on this host, or not to be seen. */
  readonly qemu: FoundQemu | undefined
  readonly monitor: ReadingMonitor | undefined
  /** Which monitor was asked, or why none was. */
  readonly monitorWords: string
}

/** The machine that is meant. Rejects with LabError usage, monitor-busy or monitor-unreachable. */
export async function reach(target: { readonly pid?: number | undefined; readonly qmp?: string | undefined }): Promise<Reached> {
  const address = target.qmp === undefined ? undefined : monitorAddress(target.qmp)
  const qemu = target.pid === undefined ? await ownerOf(address) : await qemuOfPid(target.pid)
  if (qemu !== undefined && !qemu.x86)
    throw new LabError({
      code: 'usage',
      message: `process ${qemu.pid} emulates another architecture than x86-64`,
      hint: 'The lab reads x86-64 guests.',
    })
  if (address !== undefined)
    return { qemu, monitor: await ReadingMonitor.open(address), monitorWords: `QMP at ${addressText(address)}` }
  if (qemu === undefined) throw new LabError({ code: 'usage', message: 'no machine is named', hint: 'Give --pid or --qmp.' })
  return { qemu, ...(await firstFree(qemu)) }
}

/** A monitor that is taken or gone is no reason to give up: RAM can be read without. */
async function firstFree(qemu: FoundQemu): Promise<Pick<Reached, 'monitor' | 'monitorWords'>> {
  const reasons: string[] = []
  for (const address of qemu.monitors) {
    try {
      return { monitor: await ReadingMonitor.open(address), monitorWords: `QMP at ${addressText(address)}` }
    } catch (error) {
      reasons.push(toLabError(error).message)
    }
  }
  return {
    monitor: undefined,
    monitorWords:
      reasons.length === 0 ? 'none: QEMU listens on no QMP socket that its arguments name' : `none: ${reasons.join('; ')}`,
  }
}

/** Where RAM lies: from the monitor when there is one, else by the rule of the machine type. */
export async function layoutOf({ qemu, monitor }: Reached): Promise<readonly RamBlock[]> {
  if (monitor !== undefined) return await layoutByMonitor(monitor)
  if (qemu === undefined)
    throw new LabError({ code: 'ram-unreadable', message: 'without a monitor and a process nothing says where RAM lies' })
  return layoutByArguments(qemu.arguments, ramSpans)
}

/** `host:port`, or the path of a unix socket. */
function monitorAddress(text: string): MonitorAddress {
  const [, host, port] = /^([^/]+):(\d{1,5})$/.exec(text) ?? []
  return host === undefined ? { path: text } : { host, port: Number(port) }
}

async function ownerOf(address: MonitorAddress | undefined): Promise<FoundQemu | undefined> {
  if (address === undefined) return undefined
  const owners = (await findQemus()).filter(({ monitors }) => monitors.some((one) => addressText(one) === addressText(address)))
  return owners.length === 1 ? owners[0] : undefined
}

import { toLabError } from '../shared/result.ts'
import { Machine, type MachineOptions, type MachineSpec } from './machine.ts'
import { Doom } from './phases.ts'
import { LabPort } from './qemu/lab-port.ts'
import { launch } from './qemu/launch.ts'
import { openSerialLog } from './qemu/serial-log.ts'
import { ConsoleCapture } from './qemu/serial.ts'

/**
 * Starts a guest and resolves as soon as QEMU runs and its RAM can be read; the boot goes on and
 * {@link Machine.waitForBoot} waits for it. Rejects with LabError: qemu-missing, not-enough-memory, qemu-start-failed,
 * out-unwritable, cancelled.
 */
export async function startMachine(spec: MachineSpec, options: MachineOptions = {}): Promise<Machine> {
  if (options.signal?.aborted) throw toLabError(options.signal.reason)
  const doom = new Doom()
  const labPort = new LabPort()
  const log = spec.serialLog === undefined ? undefined : await openSerialLog(spec.serialLog, (error) => doom.come(error))
  const console = new ConsoleCapture((chunk) => void log?.write(chunk))
  const firstByte = new Promise<void>((resolve) => void console.once('first', resolve))
  if (options.onSerial) console.on('data', options.onSerial)
  try {
    const launched = await launch(spec, { onConsole: (chunk) => console.push(chunk), onLabPort: (chunk) => labPort.push(chunk) })
    void launched.consoleEnded.then(() => log?.end())
    return new Machine(launched, spec, options, { console, labPort, doom, firstByte })
  } catch (error) {
    log?.end()
    throw error
  }
}

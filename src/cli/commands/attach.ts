import type { Command } from 'commander'
import type { AttachRequest } from '../../lab/attach/attach.ts'
import type { RunEvent } from '../../shared/contract.ts'
import { LabError } from '../../shared/result.ts'
import { visible } from '../../shared/visible.ts'
import { attachedText, machinesText } from '../attached-text.ts'
import { newCommand, parsePid, parsePort, printResult, type Cli } from '../command.ts'
import { exitCodeOfVerdict } from '../exit-code.ts'
import { interruptible } from '../interrupt.ts'
import { eventLine } from '../run-words.ts'

const MORE = `
Without --pid and --qmp: lists the QEMU processes of this host.

With one of them: looks at that machine, compares what it shows with what its arguments let the model predict, and writes the
documents and reports of a run. The machine is not stopped and not changed: its monitor gets query commands only ("info mtree"
and "gpa2hva" among them), its RAM is only read. A monitor serves one client; one that is taken is reported within 3 seconds.
Without --ssh the handover tree, the radix tree and the scratch regions are found in RAM alone.

RAM is read through the file or memfd that QEMU has mapped shared, else through /proc/PID/mem, else QEMU copies the pages
needed into a file (pmemsave). The report says which. --ram names the only way to be tried, or a file that holds the RAM.

Exit code: 0 agreed (or listed), 1 disagreed, 2 incomplete or failed, 64 wrong usage.

Examples: kho-lab attach
          kho-lab attach --pid 4242 --out look
          kho-lab attach --qmp /run/vm/qmp.sock --ssh root@vm --out look
`

interface AttachOptions {
  readonly pid?: number
  readonly qmp?: string
  readonly serial?: string
  readonly ssh?: string
  readonly sshPort?: number
  readonly identity?: string
  readonly sshConfig?: string
  readonly ram: string
  readonly out?: string
}

export const attachCommand = (cli: Cli): Command =>
  newCommand('attach', 'Look at a running QEMU that the lab did not start, without changing it', MORE)
    .option('--pid <PID>', 'the QEMU process', parsePid)
    .option('--qmp <SOCKET>', 'its QMP monitor: path of a unix socket, or HOST:PORT')
    .option('--serial <PATH>', 'its console: a log file, or a socket')
    .option('--ssh <DESTINATION>', 'log in to the guest as ssh does: root@HOST, or a name from ~/.ssh/config')
    .option('--ssh-port <PORT>', 'port for --ssh', parsePort)
    .option('--identity <FILE>', 'private key for --ssh')
    .option('--ssh-config <FILE>', 'configuration for --ssh instead of ~/.ssh/config')
    .option('--ram <WAY>', 'auto, file, memfd, proc-mem, pmemsave, or the path of a file', 'auto')
    .option('--out <DIR>', 'folder for the results; must be empty or not exist')
    .action((options: AttachOptions) =>
      options.pid === undefined && options.qmp === undefined ? list(cli, options) : look(cli, options),
    )

async function list(cli: Cli, options: AttachOptions): Promise<void> {
  const useless = (['serial', 'ssh', 'identity', 'out'] as const).find((name) => options[name] !== undefined)
  if (useless !== undefined)
    throw new LabError({
      code: 'usage',
      message: `--${useless} needs --pid or --qmp`,
      hint: 'kho-lab attach alone lists the QEMU processes.',
    })
  const { listMachines } = await import('../../lab/attach/list.ts')
  const machines = await listMachines()
  printResult(cli, machines, () => machinesText(machines))
}

async function look(cli: Cli, options: AttachOptions): Promise<void> {
  const { terminal } = cli
  const [{ attach, ramChoice }, { newRunFolder, runsDirectory }] = await Promise.all([
    import('../../lab/attach/attach.ts'),
    import('../../lab/run/store.ts'),
  ])
  const request: Omit<AttachRequest, 'signal'> = {
    pid: options.pid,
    qmp: options.qmp,
    serial: options.serial,
    ssh:
      options.ssh === undefined
        ? undefined
        : { destination: options.ssh, port: options.sshPort, identity: options.identity, config: options.sshConfig },
    ram: ramChoice(options.ram),
    out: options.out ?? (await newRunFolder(runsDirectory(), new Date(), 'attached')).directory,
    onEvent: (event: RunEvent) => {
      const line = event.type === 'step' ? event.text : eventLine(event)
      if (line !== undefined) terminal.err(`${visible(line)}\n`)
    },
  }
  const { directory, comparison } = await interruptible(terminal, (signal) => attach({ ...request, signal }))
  const { summary, findings, environment, claims } = comparison
  printResult(cli, { directory, summary, findings, attached: environment.attached, claims }, () =>
    attachedText(comparison, directory, terminal),
  )
  cli.exitCode = exitCodeOfVerdict(summary.run)
}

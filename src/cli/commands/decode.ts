import { Command } from 'commander'
import { newCommand, parseAddress, printResult, type Cli } from '../command.ts'
import { fdtText, ramText } from '../decode-text.ts'
import { EXIT } from '../exit-code.ts'

const MORE_FDT = `
FILE is a flattened device tree: kho/out/fdt or kho/in/fdt of a guest, a subtree, or a blob below raw/ of a run. Any
device tree is printed; a KHO root (compatible kho-v3, kho-v4) is explained as well. Numbers that KHO writes have the byte
order of the machine, not that of device trees, so eight-byte values are shown as the machine reads them.

Example: kho-lab decode fdt r/raw/hop0/ram/out/fdt
`

const MORE_RAM = `
FILE is guest RAM as QEMU's pmemsave or a memory-backend-file gives it, from address 0 on. ADDR is the value of
preserved-memory-map in the KHO root. The walk believes nothing that it reads; what it cannot follow is listed.

From some size on a PC has a hole below 4 GiB. --layout says where the file's bytes belong: q35 (the default), pc, or
ranges such as 0x0-0x80000000,0x100000000-0x180000000.

Example: kho-lab decode ram guest.ram --map-root 0x3e7b000
`

interface RamOptions {
  readonly mapRoot: number
  readonly layout: string
}

export const decodeCommand = (cli: Cli): Command =>
  new Command('decode')
    .summary('Read what a kernel wrote: a flattened device tree, or the radix tree in a RAM image')
    .description('Reads what a kernel wrote.')
    .addCommand(decodeFdt(cli))
    .addCommand(decodeRam(cli))

const decodeFdt = (cli: Cli): Command =>
  newCommand('fdt', 'Print a flattened device tree, and explain it if it is a KHO root', MORE_FDT)
    .argument('<FILE>', 'the blob')
    .action(async (file: string) => {
      const { decodeFdtFile } = await import('../../lab/decode.ts')
      const decoded = await decodeFdtFile(file)
      printResult(cli, decoded, () => fdtText(decoded))
    })

const decodeRam = (cli: Cli): Command =>
  newCommand('ram', "Walk a kernel's tree of preserved memory in a raw image of its RAM", MORE_RAM)
    .argument('<FILE>', 'raw image of guest RAM')
    .requiredOption('--map-root <ADDR>', 'physical address of the root node', parseAddress)
    .option('--layout <LAYOUT>', 'where the bytes of the file belong: q35, pc, or ranges', 'q35')
    .action(async (file: string, options: RamOptions) => {
      const { decodeRamFile } = await import('../../lab/decode.ts')
      const decoded = decodeRamFile(file, options.mapRoot, options.layout)
      printResult(cli, decoded, () => ramText(decoded))
      cli.exitCode = decoded.complete ? EXIT.agreed : EXIT.incomplete
    })

import { Command } from 'commander'
import type { ImageEntry } from '../../lab/images.ts'
import { formatSize, MiB } from '../../shared/units.ts'
import { newCommand, printResult, type Cli } from '../command.ts'
import { interruptible } from '../interrupt.ts'
import { progressLine } from '../progress-line.ts'

const MORE_BUILD = `
The kernel is built from Debian's source package of the release with the options that KHO needs, the initramfs from
Debian's busybox, dropbear and kexec-tools. Both are kept in $XDG_CACHE_HOME/kho-lab (~/.cache/kho-lab) under a key made of
everything that went into them: the same inputs are never built twice. The first build takes some minutes and 3 GiB of
disk; what stays is a few MiB. Tools that are missing are installed when you are root, else the command to do it is printed.

Examples:
  kho-lab image build                         the newest release the lab knows
  kho-lab image build --release 7.2           another one, see releases.json
  kho-lab image build --source tree:../linux  a tree of your own, left as it is
  kho-lab image build --source tarball:linux-7.3.tar.xz
  kho-lab image build --kernel bzImage        a kernel of your own, as it is
`

interface BuildCommandOptions {
  readonly release?: string
  readonly source?: string
  readonly kernel?: string
  readonly fresh?: boolean
  readonly wait: boolean
}

export const imageCommand = (cli: Cli): Command =>
  new Command('image')
    .summary('Build, list and remove guest images (kernel and initramfs)')
    .description('Guest images: the kernel and the initramfs that experiments boot.')
    .addCommand(imageBuild(cli))
    .addCommand(imageList(cli))
    .addCommand(imageRemove(cli))

const imageBuild = (cli: Cli): Command =>
  newCommand('build', 'Build a guest image, or find that it is there already', MORE_BUILD)
    .option('--release <SERIES>', 'kernel release known to the lab, for example 7.3')
    .option('--source <SOURCE>', 'tarball:FILE or tree:DIR instead of the Debian package')
    .option('--kernel <FILE>', 'use this bzImage, build only the initramfs')
    .option('--fresh', 'ask the archive for a newer point release even if an image is there')
    .option('--no-wait', 'end with an error when another build is running, instead of waiting for it')
    .action(async (options: BuildCommandOptions) => {
      const { buildGuestImage } = await import('../../lab/images.ts')
      const line = progressLine(cli.terminal)
      const { release, source, kernel, fresh = false, wait } = options
      const { manifest, kernel: bzImage } = await interruptible(cli.terminal, (signal) =>
        buildGuestImage({ release, source, kernel, fresh, wait, signal, onProgress: line.update, onNote: line.note }).finally(
          line.clear,
        ),
      )
      printResult(
        cli,
        manifest,
        () =>
          `${manifest.id}  ${manifest.release}  ${manifest.kernelRelease}  from ${manifest.source}\n${source === undefined ? '' : `use it: kho-lab run FILE --kernel ${bzImage}\n`}`,
      )
    })

const imageList = (cli: Cli): Command =>
  newCommand(
    'list',
    'List the images in the cache, newest first',
    'The id is what `image remove` takes; its beginning is enough.',
  ).action(async () => {
    const { listBuiltImages } = await import('../../lab/images.ts')
    const images = await listBuiltImages()
    printResult(cli, images, () => (images.length === 0 ? 'no images; kho-lab image build makes one\n' : imageTable(images)))
  })

const imageRemove = (cli: Cli): Command =>
  newCommand(
    'remove',
    'Remove an image from the cache',
    'ID is the id that `image list` shows, or its beginning if that is unique.',
  )
    .argument('<ID>', 'which image')
    .action(async (id: string) => {
      const { removeBuiltImage } = await import('../../lab/images.ts')
      const removed = await removeBuiltImage(id)
      printResult(cli, removed.manifest, () => `removed ${imageTable([removed])}`)
    })

/** One line per image: id, release, the kernel's own release, size, when it was built, and from what. */
function imageTable(images: readonly ImageEntry[]): string {
  const rows = images.map(({ manifest, size }) => [
    manifest.id,
    manifest.release,
    manifest.kernelRelease,
    roundedSize(size),
    manifest.builtAt.slice(0, 16).replace('T', ' '),
    manifest.source,
  ])
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(width(column)))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

const roundedSize = (size: number): string => formatSize(Math.ceil(size / MiB) * MiB)

import { ensureSourceFiles } from '../src/guest/image/source-files.ts'
import { toLabError } from '../src/shared/result.ts'

/** All that the kernel's harness in tools/testing/memblock is made from. */
const PATHS = [
  'include/linux/memblock.h',
  'include/linux/pci_ids.h',
  'mm/memblock.c',
  'tools/arch/x86/include',
  'tools/include',
  'tools/lib',
  'tools/testing/memblock',
  'tools/testing/selftests/kselftest.h',
]

// One line either way: the folder, or why there is none.
try {
  process.stdout.write(`${await ensureSourceFiles({ paths: PATHS })}\n`)
} catch (error) {
  const { message, hint } = toLabError(error)
  process.stdout.write(
    `${[message, hint]
      .filter((text) => text !== undefined)
      .join(' ')
      .replaceAll('\n', ' ')}\n`,
  )
  process.exitCode = 2
}

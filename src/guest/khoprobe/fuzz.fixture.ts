import { LabRandom } from './fuzz-random.fixture.ts'

const VERBS = [
  'alloc',
  'preserve',
  'unpreserve',
  'restore',
  'verify',
  'put',
  'free',
  'show',
  'list',
  'churn',
  'kho_restore_folio',
  'drop',
]
const SETS = ['contiguous 7', 'contiguous 513', 'vmalloc 1', 'vmalloc 513', 'folio 3 2', 'folio 0..4 1', 'folio 9 1']
const CALLS = ['kho_restore_folio', 'kho_preserve_pages', 'kho_unpreserve_pages']
const PLACES = [
  '0x0',
  '0x1000',
  '0x200000',
  '0x2000000',
  '0x12345000',
  '0x7fe00000',
  '0x100000000',
  '0xfffffffffffff000',
  '0x',
  '1',
]
const NAMES = ['a', 'b', 'c', 'set-1', 'A', '-x', '', 'x'.repeat(15), 'x'.repeat(16), '../a', '%n%s']
const NUMBERS = [
  '0',
  '1',
  '3',
  '10',
  '11',
  '64',
  '4096',
  '4194305',
  '16777217',
  '-1',
  '1.5',
  '0x10',
  '18446744073709551615',
  '1e9',
]
const KINDS = ['folio', 'contiguous', 'vmalloc', 'folios', '']
const OPTIONS = ['seed=7', 'seed=', 'seed=-1', 'node=0', 'node=1', 'node=99999', 'movable', 'huge', 'huge=1', '=']

/** Lines of the khoprobe language, well formed, malformed and out of order; the same for the same seed. None asks for more than 64 MiB. */
export function fuzzLines(seed: number, count: number): string[] {
  const random = new LabRandom(seed)
  const any = (list: readonly string[]): string => list[random.below(list.length)] ?? ''
  const line = (): string => {
    switch (random.below(10)) {
      case 0:
        return `alloc ${any(NAMES)} folio ${any(NUMBERS)} ${any(['1', '2', '3'])} ${any(OPTIONS)}`
      case 1:
        return `alloc ${any(['a', 'b', 'c'])} ${any(SETS)}`
      case 2:
        return `alloc ${any(NAMES)} ${any(KINDS)} ${any(NUMBERS)} ${any(NUMBERS)} ${any(OPTIONS)} ${any(OPTIONS)}`
      case 3:
        return `${any(VERBS)} ${any(NAMES)} ${any(NUMBERS)} ${any(NUMBERS)}`
      case 4:
        return `churn ${any(['0', '100', '-1'])} ${any(NUMBERS)} ${any(['1', '64', '4096', 'x'])} ${any(NUMBERS)}`
      case 5:
        return Array.from({ length: random.below(300) }, () => String.fromCharCode(1 + random.below(255))).join('')
      case 6:
        return `${any(CALLS)} ${any(['a', 'b', 'c'])} ${any(['0', '1', '5', 'x'])} ${any(['', '0', '3', '10', '11'])}`
      case 7:
        return `alloc ${any(['a', 'b', 'c'])} contiguous ${any(['512', '1024', '513'])} at=${any(PLACES)}`
      default:
        return `${any(VERBS)} ${any(['a', 'b', 'c'])}`
    }
  }
  return Array.from({ length: count }, line)
}

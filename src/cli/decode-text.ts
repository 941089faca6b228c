import type { DecodedFdt, DecodedNode, DecodedProperty, DecodedRam } from '../lab/decode.ts'
import { visible } from '../shared/visible.ts'

/** The tree in device tree source form, with KHO's own meaning as comments. */
export function fdtText({ fileSize, totalSize, version, root, kho }: DecodedFdt): string {
  const rest = fileSize > totalSize ? `, ${fileSize - totalSize} more in the file` : ''
  const head = [`// ${totalSize} bytes by its header${rest}; version ${version}`, '/dts-v1/;', ...nodeText(root, '')]
  if (kho === undefined) return `${head.join('\n')}\n`
  return `${[
    ...head,
    `// KHO root ${visible(kho.compatible)}: preserved memory map at 0x${kho.memoryMap.toString(16)}`,
    ...kho.subtrees.map(({ name, address, size }) => `// subtree ${visible(name)}: ${size} bytes at 0x${address.toString(16)}`),
    ...kho.broken.map(({ name, reason }) => visible(`// subtree ${name} is broken: ${reason}`)),
  ].join('\n')}\n`
}

function nodeText(node: DecodedNode, indent: string): string[] {
  const inner = `${indent}\t`
  return [
    `${indent}${node.name === '' ? '/' : visible(node.name)} {`,
    ...node.properties.map((property) => `${inner}${propertyText(property)}`),
    ...node.children.flatMap((child) => nodeText(child, inner)),
    `${indent}};`,
  ]
}

function propertyText({ name: given, hex, strings, u64le }: DecodedProperty): string {
  const name = visible(given)
  if (hex === '') return `${name};`
  if (strings !== undefined) return `${name} = ${strings.map((text) => visible(JSON.stringify(text))).join(', ')};`
  const bytes = `${name} = [${hex.match(/../g)?.join(' ') ?? ''}];`
  return u64le === undefined ? bytes : `${bytes} // ${u64le}`
}

/** Lines of a record list that a person still reads; --json has up to 4096. */
const RECORDS_PRINTED = 40

export function ramText(decoded: DecodedRam): string {
  const { records, recordCount } = decoded
  const more = recordCount - Math.min(RECORDS_PRINTED, records.length)
  return `${[
    `RAM   ${decoded.ranges.map(({ start, end }) => `${start} to ${end}`).join(', ')}`,
    `root  ${decoded.root}`,
    `${counted(decoded.nodeCount, 'node')}, ${counted(recordCount, 'record')}, ${counted(decoded.pageCount, 'page')}${decoded.complete ? '' : '; not all could be followed'}`,
    ...decoded.problems.map((problem) => `! ${visible(problem)}`),
    ...decoded.nodes
      .slice(0, RECORDS_PRINTED)
      .map((node) => `node   ${node.address.padEnd(14)} level ${node.level}  slots ${slotsText(node.slots)}`),
    ...records.slice(0, RECORDS_PRINTED).map(({ start, order }) => `record ${start.padEnd(14)} order ${order}`),
    ...(more > 0 ? [`and ${more} more records; --json has up to ${records.length}`] : []),
  ].join('\n')}\n`
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
const slotsText = (slots: readonly number[]): string =>
  slots.length <= 8 ? slots.join(' ') : `${slots.slice(0, 8).join(' ')} and ${slots.length - 8} more`

import { expect, it } from 'vitest'
import { runCli } from './program.ts'
import { recordingTerminal } from './terminal.fixture.ts'
import { reflowed, wrapped } from './text-width.ts'

it('keeps words that are longer than a line', () => {
  expect(wrapped('a bbbbbbbbbb c', 4)).toEqual(['a', 'bbbbbbbbbb', 'c'])
})

it('lets paragraphs flow and leaves examples as they are', () => {
  expect(reflowed('one two\nthree four\n\nExample:\n  kho-lab run x.yaml --out r\nend', 12)).toBe(
    'one two\nthree four\n\nExample:\n  kho-lab run x.yaml --out r\nend',
  )
  expect(reflowed('one two\nthree four', 40)).toBe('one two three four')
})

it.each([
  [],
  ['doctor'],
  ['image', 'build'],
  ['image', 'list'],
  ['image', 'remove'],
  ['predict'],
  ['run'],
  ['report'],
  ['decode', 'fdt'],
  ['decode', 'ram'],
  ['simulate'],
  ['serve'],
])('fits the help of %s %s into 80 columns', async (...command) => {
  const { terminal, written } = recordingTerminal({ live: false })
  expect(await runCli([...command, '--help'], terminal, '0.0.0')).toBe(0)
  const lines = written.out.join('').split('\n')
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  expect(lines.length).toBeGreaterThan(8)
})

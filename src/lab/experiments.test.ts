import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseExperimentYaml } from './experiment-file.ts'

const directory = join(import.meta.dirname, '../../experiments')
const files = readdirSync(directory).sort()

it('ships no experiment that the guide does not speak of', () => {
  const guide = readFileSync(join(directory, '../docs/user-guide.md'), 'utf8')
  expect(files.filter((file) => !guide.includes(file))).toEqual([])
})

it.each(files)('%s is valid and says what one learns', (file) => {
  const parsed = parseExperimentYaml(readFileSync(join(directory, file), 'utf8'), file)
  expect(parsed.ok ? [] : parsed.error.issues).toEqual([])
  expect(parsed.ok && parsed.value.description).toMatch(/\bShows\b/)
})

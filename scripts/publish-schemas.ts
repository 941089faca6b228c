import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publishedSchemas } from './published-schemas.ts'

/** `npm run schemas`: writes schemas/*.json from the zod schemas in src/shared. A unit test fails while they are stale. */
const directory = join(import.meta.dirname, '../schemas')
mkdirSync(directory, { recursive: true })
for (const { file, text } of publishedSchemas()) {
  writeFileSync(join(directory, file), text)
  process.stdout.write(`schemas/${file}\n`)
}

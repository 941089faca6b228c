import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ESLint } from 'eslint'
import tseslint from 'typescript-eslint'
import { describe, expect, it, onTestFinished } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const SLOW = 90_000

/** Violations that `npm run rules` finds in a house with these files, as `rule: from -> to`. */
async function violations(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const house = mkdtempSync(join(tmpdir(), 'kho-lab-rules-'))
  onTestFinished(() => rmSync(house, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(house, path)), { recursive: true })
    writeFileSync(join(house, path), text)
  }
  for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json']) cpSync(join(ROOT, file), join(house, file))
  symlinkSync(join(ROOT, 'node_modules'), join(house, 'node_modules'))
  const binary = join(ROOT, 'node_modules/.bin/depcruise')
  const text = await new Promise<string>((resolve) => {
    execFile(binary, ['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'err'], { cwd: house }, (_error, stdout) =>
      resolve(stdout),
    )
  })
  return [...text.matchAll(/error (\S+): (\S+) →\s+(\S+)/g)]
    .map(([, rule, from, to]) => `${rule}: ${from} -> ${packageOf(to)}`)
    .sort()
}

/** A path into a package without where the checkout lies. */
const packageOf = (path = ''): string => path.replace(/^.*\/(?=node_modules\/)/, '')

describe('the rules of the rooms', () => {
  it('let imports pass that point downwards', { timeout: SLOW }, async () => {
    expect(
      await violations({
        'src/shared/a.ts': 'export const a = 1\n',
        'src/abi/b.ts': "import { a } from '../shared/a.ts'\nexport const b = a\n",
        'src/lab/c.ts':
          "import { readFileSync } from 'node:fs'\nimport { b } from '../abi/b.ts'\nexport const c = [b, readFileSync]\n",
        'src/cli/d.ts': "import { c } from '../lab/c.ts'\nexport const d = c\n",
      }),
    ).toEqual([])
  })

  it('stop those that do not, and effects in pure rooms', { timeout: SLOW }, async () => {
    expect(
      await violations({
        'src/shared/a.ts': "import { b } from '../model/b.ts'\nexport const a = b\n",
        'src/model/b.ts':
          "import { readFileSync } from 'node:fs'\nimport { g } from '../guest/g.ts'\nexport const b = [g, readFileSync]\n",
        'src/guest/g.ts': 'export const g = 1\n',
        'src/renderer/r.ts': "import { g } from '../guest/g.ts'\nimport { join } from 'node:path'\nexport const r = [g, join]\n",
        'src/lab/l.ts': "import { ipcMain } from 'electron'\nexport const l = ipcMain\n",
        'src/cli/k.ts': "import { w } from '../web/w.ts'\nexport const k = w\n",
        'src/web/w.ts': 'export const w = 1\n',
        'src/report/p.ts':
          "import { parse } from 'yaml'\nimport type { q } from '../lab/q.ts'\nexport const p: typeof q = parse\n",
        'src/lab/q.ts': "import { q as again } from './circle.ts'\nexport const q: unknown = again\n",
        'src/lab/circle.ts': "import { q } from './q.ts'\nexport { q }\n",
      }),
    ).toMatchInlineSnapshot(`
      [
        "cli-serves-the-browser-host: src/cli/k.ts -> src/web/w.ts",
        "electron-only-in-its-host: src/lab/l.ts -> node_modules/electron/index.js",
        "model-imports-only-downwards: src/model/b.ts -> src/guest/g.ts",
        "no-circles: src/lab/circle.ts -> src/lab/q.ts",
        "page-has-no-node: src/renderer/r.ts -> path",
        "pure-rooms-have-no-effects: src/model/b.ts -> fs",
        "pure-rooms-use-no-packages: src/report/p.ts -> node_modules/yaml/dist/index.d.ts",
        "renderer-imports-only-downwards: src/renderer/r.ts -> src/guest/g.ts",
        "report-imports-only-downwards: src/report/p.ts -> src/lab/q.ts",
        "shared-imports-only-downwards: src/shared/a.ts -> src/model/b.ts",
      ]
    `)
  })
})

/** The rules without those that need types, which take a second per file to set up. */
const withoutTypes = [tseslint.configs.disableTypeChecked, { languageOptions: { parserOptions: { projectService: false } } }]

/** Rules that `npm run lint` finds broken in this text, if it stood in that file. */
async function lint(file: string, text: string): Promise<readonly string[]> {
  const [result] = await new ESLint({ cwd: ROOT, overrideConfig: withoutTypes }).lintText(text, { filePath: join(ROOT, file) })
  return [...new Set((result?.messages ?? []).map((message) => message.ruleId ?? message.message))].sort()
}

describe('the lint rules', () => {
  it('stop what the house does not want', { timeout: SLOW }, async () => {
    const text = [
      "import { ipcMain } from 'electron'",
      'export const anything: any = ipcMain',
      'export const sure = (list: readonly string[]): string => list[0]!',
      'try { sure([]) } catch {}',
      "console.log('x')",
      "export const kill = ['" + ['p', 'kill'].join('') + "', '-f', 'qemu']",
      'export const now = Date.now() | 0',
      '',
    ].join('\n')
    expect(await lint('src/model/behaviour.ts', text)).toMatchInlineSnapshot(`
      [
        "@typescript-eslint/no-explicit-any",
        "@typescript-eslint/no-non-null-assertion",
        "no-bitwise",
        "no-console",
        "no-empty",
        "no-restricted-imports",
        "no-restricted-properties",
        "no-restricted-syntax",
      ]
    `)
  })

  it('let the same be where it belongs', { timeout: SLOW }, async () => {
    expect(await lint('src/cli/main.ts', "console.log('x', Date.now())\n")).toEqual([])
  })
})

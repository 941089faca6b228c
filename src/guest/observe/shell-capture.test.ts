import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CAPTURE_PATHS } from './capture.ts'
import { CAPTURE_SCRIPT, parseShellCapture } from './shell-capture.ts'

const capture = (...lines: string[]) => parseShellCapture(Buffer.from(lines.join('\n')))

describe('parseShellCapture', () => {
  it('reads what the script prints in a real shell', () => {
    const directory = mkdtempSync(join(tmpdir(), 'kho-lab-capture-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    mkdirSync(join(directory, 'kho/out'), { recursive: true })
    const bytes = Buffer.from(Array.from({ length: 300 }, (_unused, index) => index % 256))
    writeFileSync(join(directory, 'kho/out/fdt'), bytes)
    // A link back, as each CPU has one to its node.
    symlinkSync(join(directory, 'kho'), join(directory, 'kho/out/node0'))
    const script = CAPTURE_SCRIPT.replace(CAPTURE_PATHS.join(' '), `${directory}/kho ${directory}/none`)
    const shown = parseShellCapture(execFileSync('sh', ['-s'], { input: script, env: { ...process.env, LC_ALL: 'C' } }))
    expect(shown.file(`${directory}/kho/out/fdt`)).toEqual({ ok: true, value: bytes })
    expect(shown.list(`${directory}/kho`)).toEqual({ ok: true, value: ['out'] })
    const paths = shown.files().map(({ path }) => path)
    expect(paths.filter((path) => path.startsWith(directory))).toEqual([`${directory}/kho/out/fdt`])
    expect(shown.hasDirectory(`${directory}/none`)).toEqual({ ok: true, value: false })
  })

  it('knows what is missing from what may not be read', () => {
    const shown = capture(
      'E base64',
      'F /a',
      "cat: can't open '/a': Permission denied",
      'F /sys/kernel/debug/kho',
      'ls: cannot access /sys/kernel/debug/kho: Permission denied',
      'F /b',
      'ls: /b: No such file or directory',
      'F /c',
      'QUJD',
    )
    expect(shown.file('/a')).toMatchObject({ ok: false, reason: 'EACCES: /a' })
    expect(shown.hasDirectory('/sys/kernel/debug/kho')).toMatchObject({ ok: false })
    expect(shown.hasDirectory('/b')).toEqual({ ok: true, value: false })
    expect(shown.text('/c')).toEqual({ ok: true, value: 'ABC' })
  })

  it('takes od for base64 where there is none', () => {
    expect(capture('E hex', 'F /c', ' 41 42', ' 43').text('/c')).toEqual({ ok: true, value: 'ABC' })
  })

  it('keeps the first of two answers for a path, and says what is no answer', () => {
    expect(capture('E base64', 'F /c', 'QUJD', 'F /c', 'WA==').text('/c')).toEqual({ ok: true, value: 'ABC' })
    expect(capture('motd', 'F /c').text('/c')).toEqual({ ok: false, reason: 'the guest did not answer as the script does' })
  })
})

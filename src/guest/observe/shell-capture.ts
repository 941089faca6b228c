import type { CaptureFrame } from './frames.ts'
import { CAPTURE_PATHS, Capture, DMESG_FILE } from './capture.ts'

/**
 * The guest has nothing of the lab's, and nothing is written in it: a shell, cat and base64 or od are all that is used. Links
 * below a directory are left out, as kho-capture leaves them: a node has links to its CPUs and each CPU one back to its node
 * (drivers/base/node.c, register_cpu_under_node, 7.3), so that following them ends only at the kernel's bound on links.
 */
export const CAPTURE_SCRIPT = `
enc() { if command -v base64 >/dev/null 2>&1; then base64; else od -An -v -tx1; fi; }
file() { printf 'F %s\\n' "$1"; { cat "$1" 2>&3 | enc; } 3>&1; }
show() {
  if [ -d "$1" ]; then
    printf 'D %s\\n' "$1"; ls "$1" 2>&1 >/dev/null
    for e in "$1"/*; do if [ -e "$e" ] && [ ! -L "$e" ]; then show "$e"; fi; done
  elif [ -e "$1" ]; then file "$1"
  else printf 'F %s\\n' "$1"; ls -d "$1" 2>&1 >/dev/null
  fi
}
if command -v base64 >/dev/null 2>&1; then echo 'E base64'; else echo 'E hex'; fi
printf 'F ${DMESG_FILE}\\n'; { dmesg 2>&3 | enc; } 3>&1
for p in ${CAPTURE_PATHS.join(' ')}; do show "$p"; done
exit 0
`

const MOST_PATHS = 10_000
const HEADER = /^([DF]) (\/.+)$/
const COMPLAINT = /^(?:\S+: )?(?:cat|ls|dmesg): /

/** What {@link CAPTURE_SCRIPT} printed. The text is the guest's: a line that has no place in it is left out. */
export function parseShellCapture(output: Uint8Array): Capture {
  const lines = new TextDecoder().decode(output).split('\n')
  const mode = lines[0] === 'E base64' ? 'base64' : lines[0] === 'E hex' ? 'hex' : undefined
  if (mode === undefined) return new Capture([], 'the guest did not answer as the script does')
  const frames = new Map<string, CaptureFrame>()
  let current: { readonly kind: string; readonly path: string; errno: number; data: string[] } | undefined
  const finish = (): void => {
    if (current === undefined || frames.size >= MOST_PATHS || frames.has(current.path)) return
    const { path, errno, data } = current
    if (current.kind === 'D') frames.set(path, { kind: 'directory', path, errno })
    else frames.set(path, { kind: 'file', path, errno, bytes: Buffer.from(data.join('').replaceAll(' ', ''), mode) })
  }
  for (const line of lines.slice(1)) {
    const [, kind, path] = HEADER.exec(line) ?? []
    if (kind !== undefined && path !== undefined) {
      finish()
      current = { kind, path, errno: 0, data: [] }
    } else if (current !== undefined && COMPLAINT.test(line)) current.errno = errnoOf(line)
    else current?.data.push(line)
  }
  finish()
  return new Capture([...frames.values()])
}

/** ENOENT, EACCES (also for EPERM: dmesg_restrict), and EIO for what it says otherwise. */
function errnoOf(complaint: string): number {
  if (complaint.includes('No such file')) return 2
  return /Permission denied|Operation not permitted/.test(complaint) ? 13 : 5
}

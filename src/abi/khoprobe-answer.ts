import { err, ok, type Result } from '../shared/result.ts'

/** What the guest tool khoprobe printed for one line: qemu-images/tools/khoprobe.c. */
export interface ProbeAnswer {
  readonly command: string
  /** Between the command and its end. */
  readonly lines: readonly string[]
  /** 0 for success. */
  readonly errno: number
  readonly ms: number
}

/** All answers, in order. An error when the text ends within one. */
export function parseProbeAnswers(text: string): Result<readonly ProbeAnswer[]> {
  const answers: ProbeAnswer[] = []
  let open: { command: string; lines: string[] } | undefined
  for (const line of text.split('\n')) {
    const end = /^= (\d{1,5}) (\d{1,12})$/.exec(line)
    if (open === undefined) {
      if (line.startsWith('> ')) open = { command: line.slice(2), lines: [] }
      else if (line !== '') return err(`khoprobe printed a line that belongs to no command: ${line.slice(0, 100)}`)
    } else if (end === null) open.lines.push(line)
    else {
      answers.push({ ...open, errno: Number(end[1]), ms: Number(end[2]) })
      open = undefined
    }
  }
  return open === undefined ? ok(answers) : err(`the answer of khoprobe to '${open.command}' has no end`)
}

/** Words of `key=value` behind the first word or two of a line. */
export function probeFields(line: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const word of line.split(' ')) {
    const at = word.indexOf('=')
    if (at > 0) fields.set(word.slice(0, at), word.slice(at + 1))
  }
  return fields
}

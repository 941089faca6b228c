/** Breaks at blanks only. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Fits help text to a terminal: paragraphs flow; lines that are empty or begin with a blank stay as they are. */
export function reflowed(text: string, width: number): string {
  const lines: string[] = []
  let paragraph: string[] = []
  const flush = (): void => {
    lines.push(...wrapped(paragraph.join(' '), width))
    paragraph = []
  }
  for (const line of text.split('\n')) {
    if (/^\S/.test(line)) {
      paragraph.push(line)
    } else {
      flush()
      lines.push(line)
    }
  }
  flush()
  return lines.join('\n')
}

/** What a key means everywhere in the window; a number is the view at that place. */
export type GlobalKey = 'find' | 'address' | 'side' | 'hop-before' | 'hop-after' | number

/** Keys of the whole window. Plain ones keep off while something is typed into, or a dialog is open. */
export function keyOf(event: KeyboardEvent): GlobalKey | undefined {
  const { key, ctrlKey, altKey, metaKey } = event
  if (ctrlKey && !altKey && !metaKey) return { k: 'find' as const, b: 'side' as const }[key.toLowerCase()]
  if (ctrlKey || altKey || metaKey || isTyping(event.target)) return undefined
  if (/^[0-9]$/.test(key)) return key === '0' ? 10 : Number(key)
  return { g: 'address' as const, '[': 'hop-before' as const, ']': 'hop-after' as const }[key]
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.closest('dialog') !== null)

/** Offers a text as a file, as the browser or the desktop saves downloads. */
export function saveFile({
  name,
  mediaType,
  text,
}: {
  readonly name: string
  readonly mediaType: string
  readonly text: string
}): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: mediaType }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

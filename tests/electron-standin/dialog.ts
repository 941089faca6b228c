/** Nobody can be asked: whatever is asked is cancelled, and what was said is kept, for a test to read. */
export const dialog = {
  said: [] as { readonly message: string }[],
  showSaveDialog: (): Promise<{ canceled: boolean; filePath: string }> => Promise.resolve({ canceled: true, filePath: '' }),
  showMessageBox(...args: readonly ({ readonly message?: string } | undefined)[]): Promise<{ response: number }> {
    dialog.said.push({ message: args.at(-1)?.message ?? '' })
    return Promise.resolve({ response: 0 })
  },
}

import { LineSplitter } from './serial.ts'

/** What the image's init says on the second serial port as it comes up: `kho-lab WORD [text]`. */
export type LabWord = 'init' | 'debugfs' | 'ssh'

const LINE = /^kho-lab (init|debugfs|ssh)(?: (.*))?$/

/** Hears the guest's init. Words count per boot; {@link LabPort.nextBoot} starts the next count. */
export class LabPort {
  readonly #splitter = new LineSplitter()
  #words = heard()

  push(chunk: Uint8Array): void {
    for (const line of this.#splitter.push(chunk)) {
      const [, word, text] = LINE.exec(line) ?? []
      if (word === 'init' || word === 'debugfs' || word === 'ssh') this.#words[word].resolve(text ?? '')
    }
  }

  /** Resolves with the text after the word, at once when it has been said in this boot. */
  said(word: LabWord): Promise<string> {
    return this.#words[word].promise
  }

  nextBoot(): void {
    this.#words = heard()
  }
}

const heard = (): Record<LabWord, PromiseWithResolvers<string>> => ({
  init: Promise.withResolvers<string>(),
  debugfs: Promise.withResolvers<string>(),
  ssh: Promise.withResolvers<string>(),
})

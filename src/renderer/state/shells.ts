import { shallowReactive, shallowRef, type ShallowRef } from 'vue'
import type { LabClient } from '../../shared/contract.ts'
import { problemOf, type Problem } from '../client/problem.ts'
import { SerialFeed } from './serial-feed.ts'

/** A shell in a guest as this page knows it. */
export interface PageShell {
  readonly id: number
  readonly feed: SerialFeed
  /** Why it is over; it can still be read. */
  readonly closed: ShallowRef<string | undefined>
}

/** The shells of all runs that this page has looked at. They live in the lab: a page that is opened later finds them. */
export function createShells(client: LabClient) {
  const byRun = shallowReactive(new Map<string, readonly PageShell[]>())
  const byId = new Map<number, PageShell>()
  const problem = shallowRef<Problem>()

  const known = (run: string, id: number): PageShell => {
    const shell = byId.get(id) ?? { id, feed: new SerialFeed(), closed: shallowRef<string>() }
    if (byId.get(id) !== shell) {
      byId.set(id, shell)
      byRun.set(run, [...(byRun.get(run) ?? []), shell])
    }
    return shell
  }
  const guarded = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
      problem.value = undefined
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  client.on('shell:data', ({ shell, text }) => byId.get(shell)?.feed.push(text))
  client.on('shell:closed', ({ shell, reason }) => {
    const over = byId.get(shell)
    if (over) over.closed.value = reason
  })

  return {
    problem,
    of: (run: string): readonly PageShell[] => byRun.get(run) ?? [],
    /** Finds the shells that are open already, each with the end of what it printed. */
    refresh: (run: string) =>
      guarded(async () => {
        for (const { shell, tail } of await client.invoke('shell:list', { id: run })) {
          if (byId.has(shell)) continue
          known(run, shell).feed.push(tail)
        }
      }),
    open: async (run: string, size: { columns: number; rows: number }): Promise<PageShell | undefined> => {
      let opened: PageShell | undefined
      await guarded(async () => {
        const { shell } = await client.invoke('shell:open', { id: run, ...size })
        opened = known(run, shell)
        // What it said before this page knew its number is in its tail.
        const listed = await client.invoke('shell:list', { id: run })
        if (opened.feed.isEmpty) opened.feed.push(listed.find((one) => one.shell === shell)?.tail ?? '')
      })
      return opened
    },
    write: (shell: number, text: string) => guarded(() => client.invoke('shell:write', { shell, text })),
    resize: (shell: number, size: { columns: number; rows: number }) =>
      guarded(() => client.invoke('shell:resize', { shell, ...size })),
    close: async (run: string, shell: PageShell): Promise<void> => {
      if (shell.closed.value === undefined) await guarded(() => client.invoke('shell:close', { shell: shell.id }))
      byId.delete(shell.id)
      byRun.set(
        run,
        (byRun.get(run) ?? []).filter((other) => other !== shell),
      )
    },
  }
}

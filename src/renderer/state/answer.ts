import { shallowRef, watch, type ShallowRef } from 'vue'
import type { RequestIn, RequestName, RequestOut } from '../../shared/contract.ts'
import { problemOf, type Problem } from '../client/problem.ts'
import { useLab } from './lab.ts'

export interface Answer<T> {
  readonly value: Readonly<ShallowRef<T | undefined>>
  readonly problem: Readonly<ShallowRef<Problem | undefined>>
  readonly again: () => Promise<void>
}

/** The lab's answer to one request, asked anew whenever its input changes; an answer that comes too late is dropped. */
export function useAnswer<K extends RequestName>(name: K, input: () => RequestIn<K> | undefined): Answer<RequestOut<K>> {
  const lab = useLab()
  const value = shallowRef<RequestOut<K>>()
  const problem = shallowRef<Problem>()
  let turn = 0
  const again = async (): Promise<void> => {
    const asked = ++turn
    const wanted = input()
    if (wanted === undefined) {
      value.value = undefined
      problem.value = undefined
      return
    }
    try {
      const answer = await lab.client.invoke(name, wanted)
      if (asked !== turn) return
      value.value = answer
      problem.value = undefined
    } catch (error) {
      if (asked !== turn) return
      value.value = undefined
      problem.value = problemOf(error)
    }
  }
  watch(() => JSON.stringify(input()), again, { immediate: true })
  return { value, problem, again }
}

import type { ExperimentInput } from '../../shared/documents/index.ts'
import type { Random } from '../../model/policy/random.ts'
import { GiB, KiB, MiB, PAGE_SIZE } from '../../shared/units.ts'
import { between, pick } from './draw-values.ts'

type Workload = NonNullable<ExperimentInput['workload']>
type Step = Workload[number]['steps'][number]
type Allocate = NonNullable<Step['allocate']>
type State = 'allocated' | 'preserved' | 'inherited' | 'restored'
type Verb = 'preserve' | 'unpreserve' | 'free' | 'restore' | 'verify' | 'put'

/** Filling and comparing pages takes a guest under TCG a second for some hundred MiB. */
const MOST_BYTES = GiB / 2
const SESSION = 'session'

/** What a set in a state is usually asked; one step in ten asks something else, which khoprobe must refuse. */
const SENSIBLE: Readonly<Record<State, readonly [Verb, ...Verb[]]>> = {
  allocated: ['preserve', 'preserve', 'free', 'verify'],
  preserved: ['unpreserve', 'verify'],
  inherited: ['restore', 'restore', 'restore', 'verify'],
  restored: ['verify', 'preserve', 'preserve', 'put'],
}
const VERBS = ['preserve', 'unpreserve', 'free', 'restore', 'verify', 'put'] as const

/**
 * Steps for every boot: sets of every kind that are preserved, taken back, forgotten and asked what they must refuse, memory that
 * is allocated and freed in between, and LUO sessions where the experiment has live update.
 */
export function drawWorkload(random: Random, memory: number, nodes: number, hops: number, liveupdate: boolean): Workload {
  const sets = new Map<string, State>()
  let left = Math.min(memory / 8, MOST_BYTES)
  let made = 0
  const allocate = (): Step[] => {
    const { bytes, ...set } = drawSet(random, left, nodes)
    left -= bytes
    const name = `set${made++}`
    const preserved = random.chance(0.7)
    sets.set(name, preserved ? 'preserved' : 'allocated')
    return [{ allocate: { name, ...set } }, ...(preserved ? [{ preserve: name }] : [])]
  }
  const ask = (): Step[] => {
    const names = [...sets.keys()]
    const name = names[random.below(names.length)]
    const state = name === undefined ? undefined : sets.get(name)
    if (name === undefined || state === undefined) return allocate()
    const sensible = SENSIBLE[state]
    const verb = random.chance(0.9) ? pick(random, sensible) : pick(random, VERBS)
    if (sensible.includes(verb)) become(sets, name, verb)
    return [{ [verb]: name }]
  }
  const boot = (hop: number): Step[] => {
    for (const [name, state] of sets) {
      if (state === 'preserved') sets.set(name, 'inherited')
      else sets.delete(name)
    }
    const steps = Array.from({ length: 1 + random.below(6) }, () => {
      const kind = random.below(10)
      if (kind < 4 && left > 4 * MiB) return allocate()
      return kind < 5 ? [{ churn: drawChurn(random) }] : ask()
    })
    return [...steps.flat(), ...(liveupdate ? drawLuo(random, hop) : [])]
  }
  return Array.from({ length: hops + 1 }, (_unused, hop) => ({ boot: hop, steps: boot(hop) }))
}

function become(sets: Map<string, State>, name: string, verb: Verb): void {
  switch (verb) {
    case 'preserve':
      sets.set(name, 'preserved')
      break
    case 'unpreserve':
      sets.set(name, 'allocated')
      break
    case 'restore':
      sets.set(name, 'restored')
      break
    case 'free':
    case 'put':
      sets.delete(name)
      break
    case 'verify':
      break
  }
}

/** A set of at most half of `most` bytes, and its size. */
function drawSet(random: Random, most: number, nodes: number): Omit<Allocate, 'name'> & { readonly bytes: number } {
  const kind = pick(random, ['folio', 'folio', 'range', 'movable', 'contiguous', 'vmalloc', 'vmalloc'] as const)
  const room = Math.max(PAGE_SIZE, most / 2)
  switch (kind) {
    case 'contiguous': {
      const size = between(random, 2 * MiB, Math.max(2 * MiB, Math.min(room, 24 * MiB)), pick(random, [PAGE_SIZE, MiB]))
      return { kind, size, bytes: size }
    }
    case 'vmalloc': {
      const size = between(random, PAGE_SIZE, Math.max(PAGE_SIZE, Math.min(room, pick(random, [MiB, MiB, 12 * MiB]))), PAGE_SIZE)
      return { kind, size, huge: random.chance(0.5), bytes: size }
    }
    case 'range': {
      const first = random.below(9)
      const last = first + random.below(11 - first)
      const count = 1 + random.below(3)
      return { order: `${first}..${last}`, count, bytes: count * PAGE_SIZE * (2 ** (last + 1) - 2 ** first) }
    }
    case 'folio':
    case 'movable': {
      const order = random.below(11)
      const folio = PAGE_SIZE * 2 ** order
      const count = 1 + random.below(Math.max(1, Math.min(pick(random, [20, 200, 2000]), Math.floor(room / folio))))
      const node = nodes > 1 && random.chance(0.4) ? { node: random.below(nodes) } : {}
      return { order, count, ...(kind === 'movable' ? { movable: true } : {}), ...node, bytes: count * folio }
    }
  }
}

const drawChurn = (random: Random): NonNullable<Step['churn']> => ({
  operations: between(random, 100, 20_000, 1),
  maxOrder: random.below(7),
  hold: between(random, 4 * MiB, 16 * MiB, MiB),
})

/** Sessions are made in the first boot; a later one takes the first of them, and may hand it on. */
function drawLuo(random: Random, hop: number): Step[] {
  if (hop > 0) return random.chance(0.7) ? [{ luoRetrieve: { session: `${SESSION}0`, keep: random.chance(0.5) } }] : []
  return Array.from({ length: 1 + random.below(3) }, (_unused, index) => ({
    luoCreate: {
      session: `${SESSION}${index}`,
      memfds: Array.from({ length: random.below(4) }, (_memfd, token) => ({
        token,
        size: between(random, 4 * KiB, pick(random, [16 * KiB, MiB / 2, 4 * MiB]), 4 * KiB),
      })),
    },
  }))
}

// @ts-check
/**
 * Runs in both worlds of a page, before its scripts. Events of the document cross worlds synchronously, but only strings do:
 * functions and promises go as numbers that the other side turns into a function or a promise of its own.
 * @param {string} from name of this side
 * @param {string} to name of the other side
 */
// oxlint-disable-next-line no-unused-vars
function makeBridge(from, to) {
  const own = new Map()
  const promises = new Map()
  let last = 0
  /** @type {any} */
  let answer

  /** @param {any} value @returns {any} */
  const encode = (value) => {
    if (value === undefined) return { undefined: 1 }
    if (typeof value === 'function') {
      own.set(++last, value)
      return { function: last }
    }
    if (value instanceof Error) return { error: value.message }
    if (value instanceof Promise) {
      const id = ++last
      value.then(
        (result) => post({ settle: id, ok: true, value: encode(result) }),
        (error) => post({ settle: id, ok: false, value: encode(error) }),
      )
      return { promise: id }
    }
    if (Array.isArray(value)) return { list: value.map(encode) }
    if (value !== null && typeof value === 'object')
      return { object: Object.entries(value).map(([key, inner]) => [key, encode(inner)]) }
    return { plain: value }
  }
  /** @param {any} coded @returns {any} */
  const decode = (coded) => {
    if ('plain' in coded) return coded.plain
    if ('list' in coded) return coded.list.map(decode)
    if ('object' in coded)
      return Object.fromEntries(coded.object.map((/** @type {[string, any]} */ [key, inner]) => [key, decode(inner)]))
    if ('error' in coded) return new Error(coded.error)
    if ('promise' in coded) return new Promise((resolve, reject) => promises.set(coded.promise, { resolve, reject }))
    if ('function' in coded) return (/** @type {unknown[]} */ ...args) => call(coded.function, args)
    return undefined
  }
  /** @param {object} message */
  const post = (message) => document.dispatchEvent(new CustomEvent(`standin:${to}`, { detail: JSON.stringify(message) }))
  /** @param {number} id @param {unknown[]} args */
  const call = (id, args) => {
    answer = undefined
    post({ call: id, args: args.map(encode) })
    const got = answer
    if (!got) throw new Error('the other world does not answer')
    if (!got.ok) throw decode(got.value)
    return decode(got.value)
  }
  /** @type {(key: string, value: any) => void} */
  let onExpose = () => undefined
  document.addEventListener(`standin:${from}`, (event) => {
    const message = JSON.parse(/** @type {CustomEvent} */ (event).detail)
    if ('call' in message) {
      let reply
      try {
        reply = { ok: true, value: encode(own.get(message.call)(...message.args.map(decode))) }
      } catch (error) {
        reply = { ok: false, value: encode(error) }
      }
      post({ answer: reply })
    } else if ('answer' in message) answer = message.answer
    else if ('settle' in message) {
      const waiting = promises.get(message.settle)
      promises.delete(message.settle)
      waiting?.[message.ok ? 'resolve' : 'reject'](decode(message.value))
    } else if ('expose' in message) onExpose(message.expose, decode(message.value))
  })
  return {
    /** @param {string} key @param {unknown} value */
    expose: (key, value) => post({ expose: key, value: encode(value) }),
    /** @param {(key: string, value: any) => void} listener */
    onExpose: (listener) => {
      onExpose = listener
    },
  }
}

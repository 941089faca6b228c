export interface KtapResult {
  readonly name: string
  readonly result: 'ok' | 'not ok' | 'skip'
}

const DIRECTIVES = ['SKIP', 'TODO', 'XFAIL', 'TIMEOUT', 'ERROR']

/**
 * Strict reader of flat KTAP version 1, after Documentation/dev-tools/ktap.rst: version line, plan, results numbered from 1
 * without a gap and as many as planned, nothing else but diagnostic lines. Throws on anything the text does not allow.
 */
export function parseKtap(text: string): KtapResult[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const [version, plan, ...lines] = text.slice(0, -1).split('\n')
  if (version !== 'KTAP version 1') throw new Error(`no version line: ${version}`)
  const planned = /^1\.\.(\d+)$/.exec(plan ?? '')?.[1]
  if (planned === undefined) throw new Error(`no plan: ${plan}`)
  const results = lines.flatMap((line) => {
    if (/^# .+/.test(line)) return []
    const match = /^(ok|not ok) (\d+) ([^#\n]+?)(?: # ([A-Z]+)(?: ([^#]*))?)?$/.exec(line)
    if (match === null) throw new Error(`neither result nor diagnostic: ${line}`)
    const [, result, number, name = '', directive] = match
    if (directive !== undefined && !DIRECTIVES.includes(directive)) throw new Error(`unknown directive: ${directive}`)
    const status: KtapResult['result'] = directive === 'SKIP' ? 'skip' : result === 'ok' ? 'ok' : 'not ok'
    return [{ number: Number(number), name, result: status }]
  })
  results.forEach(({ number }, index) => {
    if (number !== index + 1) throw new Error(`result ${number} comes where ${index + 1} is due`)
  })
  if (results.length !== Number(planned)) throw new Error(`${results.length} results, ${planned} planned`)
  return results.map(({ name, result }) => ({ name, result }))
}

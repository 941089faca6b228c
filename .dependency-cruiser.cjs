/**
 * The rooms of the house and what each may import. Imports point only downwards; see docs/architecture.md.
 * `npm run rules` fails on the first import that goes elsewhere.
 */

/** Rooms without effects: also no Node modules and no packages but zod in `shared`. */
const PURE = '^src/(shared|abi|model|compare|report)/'
const TESTS = '\\.(test|fixture)\\.ts$'

/** room -> rooms that it may import beside itself, and why the line is drawn there. */
const ROOMS = {
  shared: [[], 'The ground floor is known to every room, in every runtime; it can know none of them.'],
  abi: [['shared'], 'Decoders say what bytes mean. What they should be is the model, what they are is the guest.'],
  model: [['abi', 'shared'], 'A prediction that could look at a guest or at a comparison would not be one.'],
  compare: [['model', 'abi', 'shared'], 'Verdicts follow from two documents; nothing is measured and nothing is drawn here.'],
  report: [['compare', 'abi', 'shared'], 'A report shows a comparison and adds nothing to it.'],
  guest: [['abi', 'shared'], 'The real machine must not know what the model expects, or it could see what it wishes to.'],
  lab: [['report', 'compare', 'guest', 'model', 'abi', 'shared'], 'Use cases join the rooms below and serve the hosts above.'],
  cli: [['lab', 'web', 'shared'], 'Hosts are thin: they carry requests to the lab and answers back.'],
  main: [['lab', 'shared'], 'Hosts are thin: they carry requests to the lab and answers back.'],
  preload: [['shared'], 'The preload runs in the page: it knows the contract only.'],
  web: [['lab', 'shared'], 'Hosts are thin: they carry requests to the lab and answers back.'],
  renderer: [['shared'], 'The page knows the contract only, so that any host can carry it.'],
}

const roomRules = Object.entries(ROOMS).map(([room, [below, reason]]) => ({
  name: `${room}-imports-only-downwards`,
  comment: reason,
  severity: 'error',
  // A test may set up what its subject must not know of.
  from: { path: `^src/${room}/`, pathNot: TESTS },
  to: { path: '^src/', pathNot: `^src/(${[room, ...below].join('|')})/` },
}))

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'pure-rooms-have-no-effects',
      comment: 'What takes and returns plain data runs the same in the terminal, a worker, the page and a test.',
      severity: 'error',
      from: { path: PURE, pathNot: TESTS },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-rooms-use-no-packages',
      comment:
        'The only package below the use cases is zod, which holds the documents; decoders and the model are our own words.',
      severity: 'error',
      from: { path: PURE, pathNot: TESTS },
      to: { path: 'node_modules/', pathNot: 'node_modules/zod/' },
    },
    {
      name: 'page-has-no-node',
      comment: 'The renderer runs in a sandboxed page.',
      severity: 'error',
      from: { path: '^src/(renderer|preload)/', pathNot: TESTS },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'electron-only-in-its-host',
      comment: 'Elsewhere the import of electron would try to fetch its binary; the lab must run without it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main|preload)/' },
      to: { path: '(^|node_modules/)electron(/|$)' },
    },
    {
      name: 'cli-serves-the-browser-host',
      comment: '`kho-lab serve` starts src/web and nothing else of it is for the terminal.',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: '^src/cli/commands/serve\\.ts$' },
      to: { path: '^src/web/' },
    },
    {
      name: 'tests-are-not-imported',
      comment: 'What a test needs from another is a fixture; the product needs neither.',
      severity: 'error',
      from: { pathNot: TESTS },
      to: { path: TESTS },
    },
    {
      name: 'no-circles',
      comment: 'Modules that need each other are one module, or there is a third between them. Types alone may look both ways.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.vue', '.json'],
    },
  },
}

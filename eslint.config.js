import pluginVue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'
import vueParser from 'vue-eslint-parser'

const noKillByName = {
  selector: 'Literal[value=/\\b(killall|pkill)\\b/]',
  message: 'Processes are ended by the pid that was started, never by name: another run may have one of the same name.',
}
const noKillByNameInTemplate = { ...noKillByName, selector: 'TemplateElement[value.raw=/\\b(killall|pkill)\\b/]' }
const noBroadKill = {
  selector:
    "CallExpression[callee.object.name='process'][callee.property.name='kill'] > UnaryExpression[operator='-'].arguments:first-child > Literal[value=1]",
  message: 'kill(-1) ends every process there is.',
}

/** Prints are for the terminal hosts; everything else returns data or throws a LabError. */
const TERMINAL = ['src/cli/**', 'scripts/**', 'tests/**', '**/*.test.ts']

export default tseslint.config(
  { ignores: ['node_modules', 'out', 'coverage', 'artifacts', 'schemas', 'qemu-images', 'docs'] },
  {
    files: ['**/*.ts', '**/*.vue'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname, extraFileExtensions: ['.vue'] },
    },
    rules: {
      // Numbers print the same everywhere; what must not slip into text is an object.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidOperator: true }],
      // A promise-returning function without await is how an interface with async methods is met.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-console': 'error',
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', noKillByName, noKillByNameInTemplate, noBroadKill],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'electron',
              importNames: ['ipcMain'],
              message: 'Channels are registered in src/main/ipc.ts alone, which checks the sender and the schema.',
            },
          ],
        },
      ],
    },
  },
  { files: ['src/main/ipc.ts'], rules: { 'no-restricted-imports': 'off' } },
  {
    // The rooms that return plain data: no clock and no randomness.
    files: ['src/{abi,model,compare,report,shared}/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Pure rooms have no clock: take the time as an argument.' },
        { object: 'Math', property: 'random', message: 'Pure rooms have no randomness: take a seed.' },
      ],
    },
  },
  {
    // Addresses and pfns are wider than the 32 bits that these operators keep.
    files: ['src/model/**/*.ts', 'src/compare/**/*.ts'],
    rules: { 'no-bitwise': 'error' },
  },
  { files: TERMINAL, rules: { 'no-console': 'off' } },
  {
    files: ['**/*.vue'],
    extends: [...pluginVue.configs['flat/recommended']],
    languageOptions: { parser: vueParser, parserOptions: { parser: tseslint.parser } },
    rules: {
      // Layout is the formatter's business.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/no-v-html': 'error',
    },
  },
  {
    // The scripts that set up run on a Node without type stripping, before any package is installed.
    files: ['scripts/**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        URL: 'readonly',
        AbortController: 'readonly',
      },
    },
    rules: {
      'no-undef': 'error',
      'no-unused-vars': 'error',
      'no-restricted-syntax': ['error', noKillByName, noKillByNameInTemplate],
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(?!node:|\\./)', message: 'Only node: modules: nothing is installed yet when this runs.' }] },
      ],
    },
  },
)

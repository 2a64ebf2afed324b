import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Folders whose code depends on its arguments alone. tests/architecture and tsconfig.pure.json guard the same list. */
const pureFolders = [
  ...['shared', 'schema', 'deciding', 'ports', 'proposal', 'plan', 'analysis', 'approval', 'materializer', 'kernel', 'views'].map(
    (folder) => `src/core/${folder}/**/*.ts`,
  ),
  'src/topologies/**/*.ts',
];

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name: a default export gets another name in every file that imports it.',
};
const impure = [
  { selector: 'NewExpression[callee.name="Date"]', message: 'Time is an argument here.' },
  { selector: 'MemberExpression[object.name="Date"]', message: 'Time is an argument here.' },
  { selector: 'MemberExpression[object.name="Math"][property.name="random"]', message: 'Chance is an argument here.' },
  { selector: 'AwaitExpression', message: 'Pure code does not wait.' },
];

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'planwright-out/', '.snippets/', 'tests/types/pure-globals.d.ts']),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-restricted-syntax': ['error', noDefaultExport],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Numbers and booleans read as anyone expects; objects, and what may be undefined, stay refused.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `() => list.push(x)` is how a callback reads; a statement whose value is thrown away by mistake is still found.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // `_` names an argument that a signature forces on us.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A new member of a union has to be answered everywhere; an explicit `default` is an answer.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // An event loop that runs until told otherwise is written `while (true)`.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
      // `list[index]!` is how a loop within bounds reads under noUncheckedIndexedAccess; `as T` says the same and hides more.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // What someone else threw is passed on as it is, whatever it is.
      '@typescript-eslint/only-throw-error': ['error', { allowRethrowing: true, allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      // Ports are written as methods, and as properties where they are plain functions; both are meant.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // Agents, stores and hooks are async by contract, also where one of them has nothing to wait for.
    files: ['src/storage/**', 'src/adapters/**', 'src/core/testing/**', 'examples/**', 'scripts/**', 'tests/**'],
    rules: { '@typescript-eslint/require-await': 'off' },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'max-lines': ['error', { max: 300 }] },
  },
  {
    files: pureFolders,
    rules: { 'no-restricted-syntax': ['error', noDefaultExport, ...impure] },
  },
  {
    files: ['*.config.ts', '*.config.js'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
);

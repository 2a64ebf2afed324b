import ts from 'typescript';

import type { SourceFile } from './source-files.js';

/** Names that stand for a clock, for chance, for the outside world or for a locale of the machine. */
const impureNames = new Set([
  ...['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'clearTimeout', 'clearInterval'],
  ...['process', 'Buffer', 'fetch', 'console', 'crypto', 'globalThis', 'global', 'window', 'document', 'navigator', 'require'],
  ...['Intl', 'WeakRef', 'FinalizationRegistry', 'Atomics', 'SharedArrayBuffer', 'eval', 'Function'],
]);

/** Members that differ from call to call or from machine to machine. */
const impureMembers = new Set([
  ...['random', 'localeCompare', 'toLocaleString', 'toLocaleLowerCase', 'toLocaleUpperCase'],
  ...['toLocaleDateString', 'toLocaleTimeString'],
]);

/** Whether a file has to be pure: all of core but `runtime` and `testing`, and the topologies. */
export const isPure = ({ path }: SourceFile): boolean =>
  /^src\/(core|topologies)\//.test(path) && !/^src\/core\/(runtime|testing|storing)\//.test(path);

/** Every place where a file touches more than its arguments, as `file:line what`. */
export function purityFaults({ path, text }: SourceFile): readonly string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const faults: string[] = [];
  const visit = (node: ts.Node): void => {
    const what = impurity(node);
    if (what !== undefined) {
      faults.push(`${path}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1} ${what}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return faults;
}

function impurity(node: ts.Node): string | undefined {
  if (ts.isAwaitExpression(node) || node.kind === ts.SyntaxKind.AwaitKeyword) return 'await';
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (node.kind === ts.SyntaxKind.ImportKeyword && ts.isCallExpression(node.parent)) return 'import()';
  if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) return 'import.meta';
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier) && node.moduleSpecifier.text.startsWith('node:')) {
    return node.moduleSpecifier.text;
  }
  if (!ts.isIdentifier(node)) return undefined;
  return (isMemberName(node) ? impureMembers : impureNames).has(node.text) ? node.text : undefined;
}

/** `a.name`, `{ name: … }`, `const { name } = a` and `name(): void` of a type name a member, not the global of that name. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isBindingElement(parent)) return (parent.propertyName ?? parent.name) === node;
  return (
    (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodSignature(parent)) && parent.name === node
  );
}

import { join } from 'node:path';

import ts from 'typescript';

import { root } from '../../architecture/support/source-files.js';
import { blocksOf } from './markdown.js';
import type { Block, Page } from './markdown.js';

/**
 * A `ts` block as a module of its own. Flags after the language:
 *
 * - `continued`: the code of the block before it on the page comes first;
 * - `run`: it is executed too, and prints what the `text` block right after it says, or its own closing comment.
 */
export interface Snippet {
  /** `page:line`. */
  readonly name: string;
  readonly block: Block;
  /** Where the compiler looks for it, in a folder at the root that git ignores. */
  readonly fileName: string;
  readonly code: string;
  /** Lines that come from blocks before it. */
  readonly leadingLines: number;
  /** What it has to print, where it is to be run; `''` where the page does not say. */
  readonly prints?: string;
}

const knownFlags = new Set(['run', 'continued']);

/** The folder that runnable snippets are written to. */
export const snippetFolder = join(root, '.snippets');

/** @throws Error where a block bears a flag that means nothing, or continues nothing. */
export function snippetsOf(page: Page): readonly Snippet[] {
  const blocks = blocksOf(page);
  let before = '';
  return blocks.flatMap((block, index) => {
    if (block.language !== 'ts') return [];
    const name = `${block.path}:${block.line}`;
    const unknown = block.flags.find((flag) => !knownFlags.has(flag));
    if (unknown !== undefined) throw new Error(`${name} has the flag "${unknown}"; known are ${[...knownFlags].join(', ')}.`);
    const lead = block.flags.includes('continued') ? before : '';
    before = lead + block.text;
    const next = blocks[index + 1];
    return [
      {
        name,
        block,
        fileName: join(snippetFolder, `${name.replaceAll(/[^\w]+/g, '-')}.ts`),
        code: `${before}\nexport {};\n`,
        leadingLines: lead.split('\n').length - 1,
        ...(block.flags.includes('run') && { prints: next?.language === 'text' ? next.text.trim() : closingComment(block.text) }),
      },
    ];
  });
}

function closingComment(code: string): string {
  const lines = code.trimEnd().split('\n');
  const lastOfCode = lines.findLastIndex((line) => !line.startsWith('//'));
  const comment = lines.slice(lastOfCode + 1).map((line) => line.replace(/^\/\/ ?/, ''));
  return comment.join('\n').trim();
}

/** What the compiler says of all snippets, checked in one program with the options of tsconfig.json, as `page:line message`. */
export function typeFaults(snippets: readonly Snippet[]): readonly string[] {
  const byFile = new Map(snippets.map((snippet) => [snippet.fileName, snippet]));
  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => byFile.has(path) || fileExists(path);
  host.readFile = (path) => byFile.get(path)?.code ?? readFile(path);
  host.getSourceFile = (path, language, ...rest) => {
    const snippet = byFile.get(path);
    return snippet ? ts.createSourceFile(path, snippet.code, language) : getSourceFile(path, language, ...rest);
  };
  const program = ts.createProgram([...byFile.keys()], options, host);
  return snippets.flatMap((snippet) => {
    const file = program.getSourceFile(snippet.fileName);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map((diagnostic) => {
      const line = file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
      return `${snippet.block.path}:${snippet.block.line + line - snippet.leadingLines} ${message}`;
    });
  });
}

function compilerOptions(): ts.CompilerOptions {
  const path = join(root, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, (file) => ts.sys.readFile(file)) as { config: unknown };
  return { ...ts.parseJsonConfigFileContent(config, ts.sys, root).options, noEmit: true };
}

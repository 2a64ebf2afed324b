import type { SourceFile } from './source-files.js';

// Put together from parts, so that this file does not hold what it looks for.
const slash = '/';
const forbidden: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a path of one machine', new RegExp(String.raw`(?<![\w.:/@-])${slash}(?:work|root|Users|home)${slash}[\w.-]+`)],
  ['a path of one machine', /\b[A-Z]:\\+Users\\/],
  [
    'the host of a registry',
    new RegExp(String.raw`\b(?:registry|npm)\.[\w-]+(?:\.[\w-]+)*\.(?:org|com|net|io|dev|local|internal)\b`),
  ],
  ['a local address', /https?:\/\/(?:localhost|127\.0\.0\.1|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+)/],
];

/** Every line that names something of the workplace where it was written, as `file:line what: match`. */
export const nameFaults = ({ path, text }: SourceFile): readonly string[] =>
  text.split('\n').flatMap((line, index) =>
    forbidden.flatMap(([what, pattern]) => {
      const match = pattern.exec(line);
      return match ? [`${path}:${index + 1} ${what}: ${match[0]}`] : [];
    }),
  );

import { posix } from 'node:path';

import { withoutBlocks } from './markdown.js';
import type { Page } from './markdown.js';

/** Every link to a file that is not there or to a heading that its page does not have, as `page:line target`. */
export function linkFaults(all: readonly Page[], exists: (path: string) => boolean): readonly string[] {
  const anchors = new Map(all.map((page) => [page.path, anchorsOf(page)]));
  const isSound = (from: string, target: string): boolean => {
    if (/^(?:https?|mailto):/.test(target)) return true;
    const [path = '', anchor] = target.split('#');
    const to = path === '' ? from : posix.normalize(posix.join(posix.dirname(from), decodeURI(path)));
    if (!exists(to)) return false;
    return anchor === undefined || anchors.get(to)?.has(anchor) === true;
  };
  return all.flatMap((page) =>
    linksOf(page).flatMap(({ line, target }) => (isSound(page.path, target) ? [] : [`${page.path}:${line} ${target}`])),
  );
}

const link = /\]\(<?([^\s)>]+)>?(?: "[^"]*")?\)|^\[[^\]]+\]: (\S+)/g;

const linksOf = (page: Page): readonly { line: number; target: string }[] =>
  withoutBlocks(page)
    .split('\n')
    .flatMap((text, index) =>
      Array.from(text.replaceAll(/(`+).*?\1/g, '').matchAll(link), (match) => ({
        line: index + 1,
        target: match[1] ?? match[2] ?? '',
      })),
    );

/** The anchors that GitHub gives the headings of a page, and those set by hand as `<a id="…">`. */
function anchorsOf(page: Page): ReadonlySet<string> {
  const anchors = new Set<string>();
  const headings = withoutBlocks(page).matchAll(/^#{1,6} +(.+?) *#*$/gm);
  for (const [, heading = ''] of headings) {
    const slug = slugOf(heading);
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  for (const [, id = ''] of page.text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

const slugOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

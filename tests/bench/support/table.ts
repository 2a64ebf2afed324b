/** A row of a table: its name, then its figures. */
export type Row = readonly [name: string, ...cells: readonly (string | number)[]];

/** Prints rows as a Markdown table, so that what is printed can stand in a page as it is. */
export function printTable(title: string, [head, ...rows]: readonly [Row, ...Row[]]): void {
  const texts = [head, ...rows].map((row) => row.map(asText));
  const widths = texts[0]!.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  console.log([`\n${title}\n`, line(texts[0]!), rule, ...texts.slice(1).map(line)].join('\n'));
}

/** Three digits, as many as a figure of this kind is worth. */
const asText = (cell: string | number): string => {
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '';
  return cell >= 100 ? Math.round(cell).toLocaleString('en') : cell.toPrecision(3);
};

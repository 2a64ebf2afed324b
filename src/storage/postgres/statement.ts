export interface Column<Row> {
  readonly name: string;
  readonly type: string;
  of(row: Row): unknown;
}

/** Values of one statement, by their places in its text. */
export interface Values {
  /** The place of a value. */
  single(type: string, value: unknown): string;
  /** Rows to select from, as `given`. */
  rows<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string;
  /** The same where each row brings bytes, which are `bytes()` in the text; null where it brings none. */
  rowsWithBytes<Row>(rows: readonly Row[], of: { columns: readonly Column<Row>[]; bytes(row: Row): Uint8Array | null }): string;
  bytes(): string;
  /** All that was gathered, in the order of places. */
  list(): unknown[];
}

/** Gathers values. Bytes travel together as one value, because `pg` would write out each of a list as text of twice the length. */
export function createValues(): Values {
  const values: unknown[] = [];
  const chunks: Uint8Array[] = [];
  let size = 0;
  let blobAt: number | undefined;

  const single = (type: string, value: unknown): string => `$${values.push(value)}::${type}`;
  const rows = <Row>(given: readonly Row[], columns: readonly Column<Row>[]): string => {
    const lists = columns.map(({ type, of }) => single(`${type}[]`, given.map(of)));
    return `unnest(${lists.join(', ')}) AS given (${columns.map(({ name }) => name).join(', ')})`;
  };
  /** Where bytes begin among all of them; SQL counts from 1. */
  const add = (chunk: Uint8Array): number => {
    chunks.push(chunk);
    size += chunk.length;
    return size - chunk.length + 1;
  };

  return {
    single,
    rows,
    rowsWithBytes(given, { columns, bytes }) {
      const slices = new Map(given.map((row) => [row, { chunk: bytes(row), begin: 0 }]));
      for (const slice of slices.values()) if (slice.chunk) slice.begin = add(slice.chunk);
      return rows(given, [
        ...columns,
        { name: 'begin', type: 'integer', of: (row) => slices.get(row)?.begin },
        { name: 'size', type: 'integer', of: (row) => slices.get(row)?.chunk?.length },
      ]);
    },
    bytes() {
      blobAt ??= values.push(undefined) - 1;
      return `substring($${blobAt + 1}::bytea FROM given.begin FOR given.size)`;
    },
    list: () => values.map((value, index) => (index === blobAt ? Buffer.concat(chunks) : value)),
  };
}

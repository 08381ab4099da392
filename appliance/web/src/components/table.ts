interface Track {
  id: string;
  size: number;
  grow?: number;
}

/** The columns of a table as grid tracks; a width someone has dragged wins. */
export function tracks(columns: readonly Track[], widths: Record<string, number>, hasChoice: boolean): string {
  const found = columns.map((column) => {
    const width = widths[column.id];
    if (width) return `${Math.round(width)}px`;
    return column.grow ? `minmax(${column.size}rem, ${column.grow}fr)` : `${column.size}rem`;
  });
  if (found.length === 0) found.push("minmax(0, 1fr)");
  return [...(hasChoice ? ["2rem"] : []), ...found].join(" ");
}

/** Where a key leads in a list of rows; null for keys that lead nowhere. */
export function moveTo(key: string, from: number, count: number, page: number): number | null {
  const last = Math.max(0, count - 1);
  const steps: Record<string, number> = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + page,
    PageUp: from - page,
    Home: 0,
    End: last,
  };
  const next = steps[key];
  return next === undefined ? null : Math.max(0, Math.min(last, next));
}

/**
 * Lists of one or two items, of which there are hundreds of thousands. To push to an empty list makes room for
 * seventeen: more than all else that is known of an extent takes.
 */

/** The list with an item more; it is not to be used any more itself. */
export function withOneMore<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}

/** The list without room to spare. */
export function fitted<T>(list: T[]): T[] {
  return list.length > 1 ? list.slice() : list;
}

/** The files that a question about a whole group means. */
import type { Session } from "./session.ts";

const LOOKED_AT = 200;

/**
 * The group's source, and a file that is folded onto it (any other one where none is).
 *
 * @returns null where they could not be asked for
 */
export async function firstFiles(
  session: Session,
  group: string,
): Promise<{ readonly source: string; readonly other: string | null } | null> {
  const got = await session.call("review.files", { group, offset: 0, limit: LOOKED_AT });
  if (got === null) return null;
  const { files } = got.value;
  const source = files.find(({ role }) => role === "source") ?? files[0];
  if (source === undefined) return null;
  const rest = files.filter(({ id }) => id !== source.id);
  const other = rest.find(({ role }) => role === "fold") ?? rest[0];
  return { source: source.id, other: other?.id ?? null };
}

/** The folders of "Where it is", one level of them, and the way down to it. */
import { ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import type { FolderNode } from "../../../src-helper/rpc/protocol.ts";
import { toProtocol } from "./filter.ts";
import type { Session } from "./session.ts";

export interface Crumb {
  readonly path: string;
  readonly name: string;
}

export interface Folders {
  /** null before they are known. */
  readonly nodes: ShallowRef<readonly FolderNode[] | null>;
  readonly loading: Ref<boolean>;
  /** From the top down; empty at the top. */
  readonly trail: ShallowRef<readonly Crumb[]>;
  /** Goes one level down: the review shows only what is in it. */
  enter(node: FolderNode): void;
  /** Goes up to a crumb of the trail; null: to the top. */
  leaveTo(crumb: Crumb | null): void;
}

/** @param shown - whether anybody sees the folders; they are not asked for while nobody does */
export function createFolders(session: Session, shown: Ref<boolean>): Folders {
  const nodes = shallowRef<readonly FolderNode[] | null>(null);
  const trail = shallowRef<readonly Crumb[]>([]);
  const loading = ref(false);
  let latest = 0;

  async function load(): Promise<void> {
    const mine = ++latest;
    loading.value = true;
    const filter = toProtocol(session.filter.value);
    let level = await ask(filter.folder);
    // a folder alone says nothing: its own folders are shown instead
    for (let only = level?.[0]; only?.deeper === true && level?.length === 1 && mine === latest;) {
      const below = await ask(only.path);
      if (below === null || below.length === 0) break;
      level = below;
      only = below[0];
    }
    if (mine !== latest) return;
    loading.value = false;
    if (level !== null) nodes.value = level;

    async function ask(folder: string | null): Promise<readonly FolderNode[] | null> {
      return (await session.call("review.folders", { filter, folder }))?.value ?? null;
    }
  }

  watch(
    () => session.info.value?.review ?? null,
    () => {
      nodes.value = null;
    },
    { flush: "sync" },
  );
  watch(
    [
      session.filter,
      () => session.info.value?.review,
      () => session.info.value?.sum.revision,
      () => session.info.value?.namesReady === true,
      shown,
    ],
    ([, review, , namesReady, visible]) => {
      if (review !== undefined && namesReady && visible) void load();
    },
    { immediate: true },
  );
  watch(
    () => session.filter.value.folder,
    (folder) => {
      const at = trail.value.findIndex((crumb) => crumb.path === folder);
      if (folder === null) trail.value = [];
      else if (at >= 0) trail.value = trail.value.slice(0, at + 1);
      else {
        // what is above it stays; a folder from elsewhere begins a trail of its own
        const above = trail.value.filter((crumb) => isBelow(folder, crumb.path));
        trail.value = [...above, { path: folder, name: nameOf(folder, above.at(-1)?.path) }];
      }
    },
    { immediate: true, flush: "sync" },
  );

  function go(folder: string | null): void {
    session.setFilter({ ...session.filter.value, folder });
  }

  return {
    nodes,
    loading,
    trail,
    enter: (node) => {
      if (node.path !== "") go(node.path);
    },
    leaveTo: (crumb) => {
      go(crumb?.path ?? null);
    },
  };
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/** A folder's name under the crumb before it: "me/VMs" under "/home". */
function nameOf(path: string, above: string | undefined): string {
  const rest = above === undefined ? path : path.slice(above.length);
  return above === undefined ? rest : rest.replace(/^\/+/, "");
}

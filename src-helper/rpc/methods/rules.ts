import type { FolderRule } from "../../engine/contract.ts";
import { bytesToJsonString, jsonStringToBytes } from "../../text/path-text.ts";
import type { Handlers } from "../handlers.ts";
import type { FolderRuleInfo } from "../protocol.ts";

/** Rules of folders. A path that comes here is looked up in the trees and written down; nothing is opened by it. */
export function ruleHandlers(): Pick<Handlers, "rules" | "rules.set" | "rules.remove"> {
  return {
    rules: (_, { engine }) => engine.rules().map(told),
    "rules.set": ({ path, fold }, { engine }) => {
      engine.setRule(jsonStringToBytes(path), fold);
      return engine.rules().map(told);
    },
    "rules.remove": ({ path }, { engine }) => {
      engine.removeRule(jsonStringToBytes(path));
      return engine.rules().map(told);
    },
  };
}

function told({ path, fold, volumes }: FolderRule): FolderRuleInfo {
  return { path: bytesToJsonString(path), fold, volumes: [...volumes] };
}

/** Types of the contracts that the invented data keeps. */
export type {
  ErrorData,
  FileRow,
  Filter,
  GroupRow,
  HistoryFileInfo,
  HistoryRunInfo,
  Params,
  Result,
  Sort,
  StuckFileInfo,
  Sum,
  VolumeInfo,
} from "../../src-helper/rpc/protocol.ts";
export type { SkipReason } from "../../src-helper/engine/contract.ts";

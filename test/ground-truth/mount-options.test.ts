/** What the same data looks like on disk depends on how the volume is made and mounted. */
import { describeGroundTruth, LARGEST_FILE } from "./ground-truth.ts";

describeGroundTruth("compress-force=zstd", {
  seed: 21,
  mountOptions: ["compress-force=zstd:3"],
  maxSize: LARGEST_FILE,
});
describeGroundTruth("xxhash, compress=lzo", { seed: 22, csum: "xxhash", mountOptions: ["compress=lzo"] });
describeGroundTruth("explicit holes", { seed: 23, mkfs: ["--features", "^no-holes"] });
describeGroundTruth("nothing inline", { seed: 24, mountOptions: ["max_inline=0"] });
describeGroundTruth("two devices, blake2b, compress=zlib", {
  seed: 25,
  csum: "blake2b",
  devices: 2,
  mountOptions: ["compress=zlib"],
});

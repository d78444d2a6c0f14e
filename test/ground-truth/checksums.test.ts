/** Every checksum type that btrfs has, several seeds. */
import { describeGroundTruth, LARGEST_FILE } from "./ground-truth.ts";

describeGroundTruth("crc32c", { seed: 11, csum: "crc32c", maxSize: LARGEST_FILE });
describeGroundTruth("crc32c", { seed: 12, csum: "crc32c" });
describeGroundTruth("xxhash", { seed: 13, csum: "xxhash" });
describeGroundTruth("sha256", { seed: 14, csum: "sha256" });
describeGroundTruth("blake2b", { seed: 15, csum: "blake2b" });

// One more volume of any seed, for a search by hand: REFOLD_TEST_SEED=4711 npm test -- checksums
const extra = process.env["REFOLD_TEST_SEED"];
if (extra !== undefined) describeGroundTruth("crc32c", { seed: Number(extra) });

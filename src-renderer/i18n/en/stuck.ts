export default {
  title: "Stuck files",
  subtitle: "Files that carry the immutable flag: nothing can change, rename or delete them.",
  look: "Look again",
  lookAll: "Look on all volumes",
  showAsks: "Show the files…",
  looking: "Looking on {volume}…",
  emptyTitle: "No file is stuck",
  emptyText:
    "While Refold folds files it holds them still for a moment. If it is cut off then, by a power loss say, they stay locked and are listed here.",
  noneFound: "Looked on {volume}: nothing is stuck there.",
  oursTitle: "Left by Refold",
  oursText:
    "A run was cut off while it held these files. They are intact: their contents, names and dates are as they were. Refold can take the flag off again.",
  unknownTitle: "Not by Refold, as far as it knows",
  unknownText:
    "Somebody may have set the flag on purpose, to protect the file. Refold leaves these alone unless you tick them.",
  fix: "Fix {n} file | Fix {n} files",
  fixSelected: "Take the flag off {n} file… | Take the flag off {n} files…",
  fixNone: "Take the flag off…",
  selectAll: "All of them",
  select: "Select {path}",
  since: "since {when}",
  sinceUnknown: "since when is not known",
  confirm: {
    title: "Take the immutable flag off {n} file? | Take the immutable flag off {n} files?",
    text: "Refold did not set it. Somebody, or another program, may have set it on purpose so that nothing changes these files.",
    after:
      "Their contents stay as they are. Afterwards programs can change and delete them again. To undo it: chattr +i FILE.",
    more: "and {n} more | and {n} more",
    yes: "Take the flag off",
    no: "Leave them",
  },
  result: {
    repaired: "{n} file is free again | {n} files are free again",
    repairedText: "It can be changed again. | They can be changed again.",
    failed: "{n} file could not be freed | {n} files could not be freed",
    failedText: "They are intact and stay listed. The reason stands beside each.",
  },
};

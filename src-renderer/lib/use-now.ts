/** The clock, for "4 minutes ago". */
import { getCurrentScope, onScopeDispose, ref, type Ref } from "vue";

const now = ref(Date.now());
let users = 0;
let timer: ReturnType<typeof setInterval> | null = null;

/** Now, in milliseconds; moves on twice a minute while something shows it. */
export function useNow(): Readonly<Ref<number>> {
  if (getCurrentScope() === undefined) return now;
  now.value = Date.now();
  users += 1;
  timer ??= setInterval(() => {
    now.value = Date.now();
  }, 30_000);
  onScopeDispose(() => {
    users -= 1;
    if (users > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  });
  return now;
}

import { onScopeDispose, ref, watch, type Ref } from "vue";

/** Whether an element holds more than it shows: then the keyboard must be able to reach it. */
export function useScrolls(element: Readonly<Ref<HTMLElement | null>>): Readonly<Ref<boolean>> {
  const scrolls = ref(false);
  const observer = new ResizeObserver(() => {
    const box = element.value;
    scrolls.value = box !== null && box.scrollHeight > box.clientHeight + 1;
  });
  watch(element, (box) => {
    observer.disconnect();
    if (box === null) return;
    observer.observe(box);
    for (const child of box.children) observer.observe(child);
  });
  onScopeDispose(() => {
    observer.disconnect();
  });
  return scrolls;
}

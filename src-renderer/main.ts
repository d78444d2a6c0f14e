import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import { BRIDGE } from "./bridge.ts";
import { createTexts } from "./i18n/index.ts";
import { useApp } from "./stores/app.ts";

const app = createApp(App);
app.provide(BRIDGE, window.refold);
app.use(createPinia());
app.use(createTexts());
void useApp().start();
app.mount("#app");

import type { Theme } from "$/api/schema";

import { recall, remember } from "./store";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

class Appearance {
  theme = $state<Theme>((recall("theme") as Theme | null) ?? "system");

  constructor() {
    dark.addEventListener("change", () => this.#show());
  }

  use(theme: Theme): void {
    this.theme = theme;
    remember("theme", theme);
    this.#show();
  }

  #show(): void {
    const isDark = this.theme === "dark" || (this.theme === "system" && dark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
  }
}

export const appearance = new Appearance();

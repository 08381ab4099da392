import type { Language, Theme } from "$/api";
import type { MenuItem } from "$/components/menu";
import { router } from "$/core/router.svelte";
import { session } from "$/core/session.svelte";
import { toasts } from "$/core/toasts.svelte";
import { t } from "$/i18n/language.svelte";

export const languages: readonly Language[] = ["en", "fr"];
export const themes: readonly Theme[] = ["system", "light", "dark"];

/** What hangs on one's own name. */
export function accountItems(): MenuItem[] {
  const { user } = session;
  return [
    { label: t().shell.profile, icon: "user", act: () => router.go(["account"]) },
    { label: t().shell.sessions, icon: "monitor", act: () => router.go(["account", "sessions"]) },
    { label: t().shell.keys, icon: "key", act: () => router.go(["account", "keys"]) },
    ...themes.map((theme, index) => ({
      label: t().shell.themes[theme],
      checked: user.theme === theme,
      divided: index === 0,
      heading: index === 0 ? t().shell.theme : undefined,
      act: () => change({ theme }),
    })),
    ...languages.map((language, index) => ({
      label: t().shell.languages[language],
      checked: user.language === language,
      divided: index === 0,
      heading: index === 0 ? t().shell.language : undefined,
      act: () => change({ language }),
    })),
    { label: t().shell.signOut, icon: "log-out" as const, divided: true, act: () => void signOut() },
  ];
}

export function change(changes: { theme?: Theme; language?: Language }): void {
  session.change(changes).catch((error: unknown) => toasts.fail(error));
}

export async function signOut(): Promise<void> {
  try {
    await session.logOut();
  } catch (error) {
    toasts.fail(error);
  }
}
